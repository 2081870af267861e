"""The ONNX graph of a Keras model computes what the model computes."""

from __future__ import annotations

from functools import partial

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from keras import layers

from autotl.errors import ExportError
from autotl.graphs import keras_to_onnx
from autotl.graphs.surgery import join, prune

# Keras 3.15 hands NumPy 2 a variable of its own, whose __array__ has no `copy` yet (keras/src/backend/tensorflow).
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

TOLERANCE = 1e-4  # largest difference over largest value


def randomise(model, seed=0):
    """Give every weight a value that shows when it is left out or misplaced."""
    rng = np.random.default_rng(seed)
    for variable in model.variables:
        if keras.backend.is_float_dtype(variable.dtype):
            positive = any(word in variable.path for word in ("variance", "gamma"))
            draw = rng.uniform(0.5, 1.5, variable.shape) if positive else rng.normal(0, 0.5, variable.shape)
            variable.assign(draw)
    return model


def run(onnx_model, feeds):
    session = onnxruntime.InferenceSession(onnx_model.SerializeToString())
    return dict(zip((o.name for o in session.get_outputs()), session.run(None, feeds), strict=True))


def images(*shape, seed=1):
    return np.random.default_rng(seed).normal(0, 2, shape).astype(np.float32)


def differences(model, x, written=None):
    """Largest difference over largest value, for every output."""
    written = written or keras_to_onnx.to_onnx(model)
    got = list(run(written, {written.graph.input[0].name: x}).values())
    expected = [keras.ops.convert_to_numpy(y) for y in keras.tree.flatten(model(x, training=False))]
    assert [y.shape for y in got] == [y.shape for y in expected]
    return [np.abs(a - b).max() / np.abs(b).max() for a, b in zip(got, expected, strict=True)]


def chain(shape, *stack):
    return randomise(keras.Sequential([keras.Input(shape), *stack]))


PICTURE = (9, 8, 4)
VECTOR = (6,)
ZOO = {
    "conv": (PICTURE, lambda: layers.Conv2D(5, 3, strides=2, activation="relu")),
    "conv same": (PICTURE, lambda: layers.Conv2D(5, (4, 3), strides=2, padding="same")),
    "conv groups": (PICTURE, lambda: layers.Conv2D(6, 3, groups=2, padding="same", use_bias=False)),
    "conv dilated": (PICTURE, lambda: layers.Conv2D(5, 3, dilation_rate=2, padding="same")),
    "depthwise": (PICTURE, lambda: layers.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2)),
    "separable": (PICTURE, lambda: layers.SeparableConv2D(5, 3, padding="same", depth_multiplier=2, activation="tanh")),
    "dense": (VECTOR, lambda: layers.Dense(5, activation="softmax")),
    "dense on images": (PICTURE, lambda: layers.Dense(5, activation="gelu")),
    "dense on rows": ((3, 4), lambda: layers.Dense(5, use_bias=False)),
    "batch normalization": (PICTURE, lambda: layers.BatchNormalization()),
    "batch normalization of vectors": (VECTOR, lambda: layers.BatchNormalization(scale=False)),
    "batch normalization of rows": ((3, 4), lambda: layers.BatchNormalization(center=False)),
    "layer normalization": (PICTURE, lambda: layers.LayerNormalization()),
    "layer normalization bare": (VECTOR, lambda: layers.LayerNormalization(scale=False, center=False)),
    "normalization": (PICTURE, lambda: layers.Normalization(mean=[1, 2, 3, 4], variance=[1, 4, 9, 2])),
    "normalization scalar": (PICTURE, lambda: layers.Normalization(axis=None, mean=3.0, variance=2.0)),
    "normalization inverted": (
        PICTURE,
        lambda: layers.Normalization(mean=[1, 2, 3, 4], variance=[1, 4, 9, 2], invert=True),
    ),
    "rescaling": (PICTURE, lambda: layers.Rescaling(1 / 127.5, offset=-1)),
    "rescaling per channel": (PICTURE, lambda: layers.Rescaling([1, 2, 3, 4], offset=[0, 1, 0, 2])),
    "relu capped": (PICTURE, lambda: layers.ReLU(1.5)),
    "relu sloped": (PICTURE, lambda: layers.ReLU(1.5, negative_slope=0.2)),
    "relu with threshold": (PICTURE, lambda: layers.ReLU(negative_slope=0.2, threshold=0.7)),
    "leaky relu": (PICTURE, lambda: layers.LeakyReLU(0.3)),
    "prelu": (PICTURE, lambda: layers.PReLU()),
    "prelu shared": (PICTURE, lambda: layers.PReLU(shared_axes=[1, 2])),
    "elu": (PICTURE, lambda: layers.ELU(0.7)),
    "softmax over channels": (PICTURE, lambda: layers.Softmax()),
    "softmax over rows": (PICTURE, lambda: layers.Softmax(axis=1)),
    "activation with options": (PICTURE, lambda: layers.Activation(partial(keras.activations.gelu, approximate=True))),
    "activation that is a layer": (PICTURE, lambda: layers.Conv2D(5, 3, activation=layers.LeakyReLU(0.1))),
    "max pooling": (PICTURE, lambda: layers.MaxPooling2D(3, strides=2, padding="same")),
    "average pooling": (PICTURE, lambda: layers.AveragePooling2D(3, strides=2)),
    "average pooling same": (PICTURE, lambda: layers.AveragePooling2D(3, strides=2, padding="same")),
    "global average": (PICTURE, lambda: layers.GlobalAveragePooling2D()),
    "global average kept": (PICTURE, lambda: layers.GlobalAveragePooling2D(keepdims=True)),
    "global max": (PICTURE, lambda: layers.GlobalMaxPooling2D()),
    "global max kept": (PICTURE, lambda: layers.GlobalMaxPooling2D(keepdims=True)),
    "zero padding": (PICTURE, lambda: layers.ZeroPadding2D(((1, 2), (3, 0)))),
    "cropping": (PICTURE, lambda: layers.Cropping2D(((1, 2), (3, 0)))),
    "up sampling": (PICTURE, lambda: layers.UpSampling2D((2, 3))),
    "up sampling bilinear": (PICTURE, lambda: layers.UpSampling2D(2, interpolation="bilinear")),
    "flatten": (PICTURE, lambda: layers.Flatten()),
    "reshape": (PICTURE, lambda: layers.Reshape((12, -1))),
    "reshape to images": (VECTOR, lambda: layers.Reshape((1, 1, 6))),
    "permute": (PICTURE, lambda: layers.Permute((3, 1, 2))),
    "dropout": (PICTURE, lambda: layers.Dropout(0.5)),
    "spatial dropout": (PICTURE, lambda: layers.SpatialDropout2D(0.5)),
    "noise": (PICTURE, lambda: layers.GaussianNoise(0.5)),
}
ACTIVATIONS = (
    "linear",
    "relu",
    "relu6",
    "sigmoid",
    "hard_sigmoid",
    "swish",
    "silu",
    "hard_swish",
    "hard_silu",
    "gelu",
    "tanh",
    "softmax",
    "elu",
    "selu",
    "softplus",
    "softsign",
    "leaky_relu",
    "exponential",
)


@pytest.mark.parametrize("name", ZOO)
def test_a_layer_computes_in_onnx_what_it_computes_in_keras(name):
    shape, layer = ZOO[name]
    assert max(differences(chain(shape, layer()), images(3, *shape))) < TOLERANCE


@pytest.mark.parametrize("name", [name for name, (shape, _) in ZOO.items() if shape == PICTURE])
def test_a_layer_between_a_convolution_and_a_dense_layer_finds_and_leaves_the_right_order(name):
    layer = ZOO[name][1]()
    model = chain((9, 8, 3), layers.Conv2D(4, 1), layer, layers.Flatten(), layers.Dense(3))
    assert max(differences(model, images(2, 9, 8, 3))) < TOLERANCE


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_computes_in_onnx_what_it_computes_in_keras(name):
    model = chain(PICTURE, layers.Conv2D(5, 1, activation=name), layers.Activation(name))
    assert max(differences(model, 0.3 * images(3, *PICTURE))) < TOLERANCE


@pytest.mark.parametrize("pool", [layers.MaxPooling2D, layers.AveragePooling2D])
def test_zeros_padded_before_a_pooling_layer_stay_zeros(pool):
    # ONNX Runtime would take the padding into the pooling layer, where it counts as minus infinity.
    model = chain(PICTURE, layers.ZeroPadding2D(1), pool(3, strides=2))
    assert max(differences(model, -1 - np.abs(images(3, *PICTURE)))) < TOLERANCE


def test_augmentation_layers_do_nothing_in_the_graph():
    augmentations = [
        layers.RandomFlip(),
        layers.RandomRotation(0.3),
        layers.RandomZoom(0.3),
        layers.RandomTranslation(0.3, 0.3),
        layers.RandomContrast(0.3),
        layers.RandomBrightness(0.3),
        layers.RandomErasing(),
        layers.RandomColorJitter((0, 255), 0.3, 0.3, 0.3, 0.3),
        layers.RandAugment(),
        layers.AugMix(),
        layers.MixUp(),
        layers.CutMix(),
        layers.RandomGrayscale(),
        layers.RandomSharpness(0.3),
        layers.RandomShear(0.2, 0.2),
        layers.RandomPerspective(),
        layers.RandomGaussianBlur(),
        layers.RandomElasticTransform(),
    ]
    model = chain((8, 8, 3), *augmentations, layers.Conv2D(2, 3))
    x = np.random.default_rng(0).uniform(0, 255, (2, 8, 8, 3)).astype(np.float32)
    assert max(differences(model, x)) < TOLERANCE


def test_an_adapted_normalization_keeps_its_statistics():
    layer = layers.Normalization()
    layer.adapt(images(50, 4) * 3 + 5)
    model = keras.Sequential([keras.Input((4,)), layer])
    assert max(differences(model, images(3, 4))) < TOLERANCE


@pytest.mark.parametrize("merge", ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"])
def test_branches_in_different_layouts_are_merged(merge):
    x = keras.Input(PICTURE)
    branches = [layers.Conv2D(4, 3, padding="same")(x), layers.LayerNormalization()(x)]
    model = randomise(keras.Model(x, getattr(layers, merge)()(branches)))
    assert max(differences(model, images(3, *PICTURE))) < TOLERANCE


def test_concatenation_works_along_any_axis():
    x = keras.Input(PICTURE)
    y = layers.Concatenate(axis=1)([x, layers.Conv2D(4, 1)(x), x])
    model = randomise(keras.Model(x, layers.Concatenate(axis=2)([y, y])))
    assert max(differences(model, images(3, *PICTURE))) < TOLERANCE


def test_channel_gates_are_broadcast_whatever_their_shape():
    x = keras.Input(PICTURE)
    gate = layers.Dense(4, activation="sigmoid")(layers.GlobalAveragePooling2D()(x))
    reshaped = layers.Conv2D(4, 1)(layers.Reshape((1, 1, 4))(gate))
    model = keras.Model(x, layers.Add()([layers.Multiply()([x, reshaped]), layers.Multiply()([x, gate]), gate]))
    assert max(differences(randomise(model), images(3, *PICTURE))) < TOLERANCE


def test_operators_and_constants_on_tensors_are_written():
    x = keras.Input(PICTURE)
    y = layers.Conv2D(4, 1)(x)
    y = y * layers.ReLU(6.0)(y + 3.0) * (1 / 6) - x / 2.0
    y = 1.0 - y * np.array([1, 2, 3, 4], np.float32)
    model = randomise(keras.Model(x, keras.ops.relu(keras.ops.gelu(y))))
    assert max(differences(model, images(3, *PICTURE))) < TOLERANCE


def test_nested_shared_and_repeated_parts_are_written_once_per_use():
    stem = chain((None, None, 4), layers.Conv2D(4, 3, padding="same"), layers.BatchNormalization())
    inner_input = keras.Input(PICTURE)
    inner = keras.Model(inner_input, [stem(inner_input), layers.MaxPooling2D(3, 1, "same")(inner_input)])
    shared = layers.Conv2D(4, 1, activation="relu")
    x = keras.Input(PICTURE)
    a, b = inner(shared(x))
    c, d = inner(shared(a))
    model = randomise(keras.Model(x, layers.Concatenate()([a, b, c, d])))
    assert max(differences(model, images(3, *PICTURE))) < TOLERANCE


def test_outputs_bear_the_names_of_their_layers_and_keep_keras_order_of_axes():
    x = keras.Input(PICTURE)
    shallow = layers.Conv2D(5, 3, name="shallow")(x)
    deep = layers.Dense(2, name="deep")(layers.GlobalMaxPooling2D()(shallow))
    model = keras.Model(x, [shallow, deep, shallow])
    written = keras_to_onnx.to_onnx(model)
    assert [o.name for o in written.graph.output] == ["shallow", "deep", "shallow_2"]
    assert [i.name for i in written.graph.input] == ["images"]
    assert [d.dim_param or d.dim_value for d in written.graph.output[0].type.tensor_type.shape.dim] == [
        "batch",
        7,
        6,
        5,
    ]
    assert max(differences(model, images(3, *PICTURE), written)) < TOLERANCE


def test_a_head_keeps_the_name_of_its_input():
    head = keras.Sequential([keras.Input((6,), name="features"), layers.Dense(3, "softmax", name="probabilities")])
    written = keras_to_onnx.to_onnx(head)
    assert [v.name for v in (*written.graph.input, *written.graph.output)] == ["features", "probabilities"]


def test_byte_images_are_cast_inside_the_graph():
    model = chain((8, 8, 3), layers.Rescaling(1 / 255), layers.Conv2D(2, 3))
    x = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), np.uint8)
    assert max(differences(model, x, keras_to_onnx.to_onnx(model, input_dtype="uint8"))) < TOLERANCE


def test_the_file_is_valid_for_runtimes_of_some_years_ago():
    written = keras_to_onnx.to_onnx(chain(PICTURE, layers.LayerNormalization()))
    onnx.checker.check_model(written, full_check=True)
    assert written.ir_version <= 10
    assert 17 <= written.opset_import[0].version <= 21


def test_batch_normalization_disappears_into_the_convolution_before_it():
    stack = [layers.Conv2D(5, 3), layers.BatchNormalization(), layers.DepthwiseConv2D(3, use_bias=False)]
    model = chain(PICTURE, *stack, layers.BatchNormalization(scale=False))
    written = keras_to_onnx.to_onnx(model)
    assert [n.op_type for n in written.graph.node] == ["Transpose", "Conv", "Conv", "Transpose"]
    assert len(written.graph.initializer) == 4
    assert max(differences(model, images(3, *PICTURE), written)) < TOLERANCE


def test_batch_normalization_stays_where_something_else_reads_the_convolution():
    x = keras.Input(PICTURE)
    y = layers.Conv2D(4, 1)(x)
    model = randomise(keras.Model(x, layers.Add()([y, layers.BatchNormalization()(y)])))
    written = keras_to_onnx.to_onnx(model)
    assert "BatchNormalization" in [n.op_type for n in written.graph.node]
    assert max(differences(model, images(3, *PICTURE), written)) < TOLERANCE


class Doubling(layers.Layer):
    def call(self, x):
        return 2 * x


def test_an_unknown_layer_is_refused_by_name_with_the_way_out():
    model = chain(PICTURE, Doubling(name="odd_one"))
    with pytest.raises(
        ExportError, match=r"'odd_one' is a Doubling.*give its class a method write_onnx\(self, graph, call\)"
    ):
        keras_to_onnx.to_onnx(model)


class Written(Doubling):
    def write_onnx(self, graph, call):
        return graph.elementwise("Mul", call.x, graph.constant(2.0, like=call.x))


def test_a_layer_may_bring_its_own_writer():
    assert max(differences(chain(PICTURE, Written()), images(3, *PICTURE))) < TOLERANCE


def test_a_layer_of_ones_own_that_is_called_as_one_of_keras_changes_no_other():
    own = type("Rescaling", (Written,), {})
    model = chain(PICTURE, layers.Rescaling(0.5), own())
    assert max(differences(model, images(3, *PICTURE))) < TOLERANCE
    with pytest.raises(TypeError):
        keras_to_onnx.LAYER_WRITERS["Rescaling"] = None


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (lambda: layers.Activation(lambda x: x**2, name="square"), "'square'.*<lambda>"),
        (lambda: layers.Conv2D(2, 3, data_format="channels_first"), "channels_first"),
        (lambda: layers.LayerNormalization(axis=1), "axis"),
        (lambda: layers.BatchNormalization(axis=1), "axis"),
        (lambda: layers.UpSampling2D(2, interpolation="lanczos3"), "lanczos3"),
        (lambda: layers.Softmax(axis=(1, 2)), "axes"),
    ],
)
def test_what_cannot_be_written_is_refused(layer, message):
    with pytest.raises(ExportError, match=message):
        keras_to_onnx.to_onnx(chain(PICTURE, layer()))


def test_images_need_a_fixed_size():
    with pytest.raises(ExportError, match="fixed size"):
        keras_to_onnx.to_onnx(chain((None, None, 3), layers.Conv2D(2, 3)))


def test_a_subclassed_model_is_refused():
    class Subclassed(keras.Model):
        pass

    with pytest.raises(ExportError, match=r"keras\.Model\(inputs, outputs\)"):
        keras_to_onnx.to_onnx(Subclassed())


# --- prune and join ----------------------------------------------------------------------------------------


def two_stages():
    x = keras.Input(PICTURE)
    shallow = layers.Conv2D(5, 3, name="shallow")(x)
    deep = layers.Conv2D(3, 3, activation="relu", name="deep")(shallow)
    return randomise(keras.Model(x, [shallow, deep, layers.GlobalAveragePooling2D(name="pooled")(deep)]))


def test_pruning_keeps_only_what_an_output_needs():
    written = keras_to_onnx.to_onnx(two_stages())
    pruned = prune(written, ["shallow"])
    assert [o.name for o in pruned.graph.output] == ["shallow"]
    assert len(pruned.graph.node) == 3
    assert len(pruned.graph.initializer) == 2
    x = images(2, *PICTURE)
    np.testing.assert_array_equal(run(pruned, {"images": x})["shallow"], run(written, {"images": x})["shallow"])


def test_pruning_makes_inner_tensors_outputs_in_the_order_asked_for():
    pruned = prune(keras_to_onnx.to_onnx(two_stages()), ["pooled", "deep/Conv"])
    assert [o.name for o in pruned.graph.output] == ["pooled", "deep/Conv"]
    shape = pruned.graph.output[1].type.tensor_type.shape
    assert [d.dim_param or d.dim_value for d in shape.dim] == ["batch", 3, 5, 4]
    onnx.checker.check_model(pruned, full_check=True)
    assert run(pruned, {"images": images(2, *PICTURE)})["deep/Conv"].min() < 0


def test_pruning_to_a_tensor_that_is_not_there_names_the_outputs():
    with pytest.raises(ExportError, match=r"'nowhere'.*shallow, deep, pooled"):
        prune(keras_to_onnx.to_onnx(two_stages()), ["nowhere"])


def test_a_joined_graph_computes_one_model_after_the_other():
    body = two_stages()
    head = chain((3,), layers.Dense(4, "softmax", name="pooled"))  # a name the body uses too
    first, second = keras_to_onnx.to_onnx(body), keras_to_onnx.to_onnx(head)
    joined = join(first, second, {"pooled": second.graph.input[0].name})
    assert [i.name for i in joined.graph.input] == ["images"]
    assert [o.name for o in joined.graph.output] == ["shallow", "deep", "graph2/pooled"]
    x = images(2, *PICTURE)
    expected = head(body(x, training=False)[2], training=False)
    np.testing.assert_allclose(run(joined, {"images": x})["graph2/pooled"], expected, atol=1e-5)


def test_joins_can_be_repeated_and_keep_free_names():
    head = keras_to_onnx.to_onnx(chain((3,), layers.Dense(3, name="scores")))
    again = keras_to_onnx.to_onnx(chain((3,), layers.Dense(3, name="calibrated")))
    joined = join(keras_to_onnx.to_onnx(two_stages()), head, {"pooled": head.graph.input[0].name})
    joined = join(joined, again, {"scores": again.graph.input[0].name})
    assert [o.name for o in joined.graph.output] == ["shallow", "deep", "calibrated"]
    assert run(joined, {"images": images(2, *PICTURE)})["calibrated"].shape == (2, 3)


@pytest.mark.parametrize("opset", [keras_to_onnx.OPSET, keras_to_onnx.OPSET + 2])
def test_a_scikit_learn_head_joins_with_its_own_operators(opset):
    from skl2onnx import to_onnx
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    body = two_stages()
    x = images(40, *PICTURE)
    features = keras.ops.convert_to_numpy(body(x, training=False)[2])
    head = make_pipeline(StandardScaler(), LogisticRegression()).fit(features, np.arange(40) % 3)
    options = {"zipmap": False}
    second = to_onnx(head, features[:1], options=options, target_opset={"": opset, "ai.onnx.ml": 3})
    joined = join(keras_to_onnx.to_onnx(body), second, {"pooled": "X"})
    assert len(joined.opset_import) == len({entry.domain for entry in joined.opset_import}) == 2
    assert joined.ir_version <= 10
    final = prune(joined, ["probabilities"])
    np.testing.assert_allclose(run(final, {"images": x})["probabilities"], head.predict_proba(features), atol=1e-5)


def test_names_used_inside_loop_bodies_are_renamed_with_the_rest():
    helper = onnx.helper
    value = partial(helper.make_tensor_value_info, elem_type=onnx.TensorProto.FLOAT, shape=[2])
    inner = helper.make_graph(
        [helper.make_node("Add", ["x", "step"], ["y"])], "inner", [], [value("y")]
    )  # reads a constant of the graph around it
    second = helper.make_model(
        helper.make_graph(
            [helper.make_node("If", ["yes"], ["z"], then_branch=inner, else_branch=inner)],
            "outer",
            [value("x")],
            [value("z")],
            [
                onnx.numpy_helper.from_array(np.array([1, 2], np.float32), "step"),
                onnx.numpy_helper.from_array(np.array(True), "yes"),
            ],
        ),
        opset_imports=[helper.make_opsetid("", keras_to_onnx.OPSET)],
        ir_version=8,
    )
    first = keras_to_onnx.to_onnx(chain((2,), layers.Rescaling(1.0, name="step")))
    joined = prune(join(first, second, {"step": "x"}), ["z"])
    name = joined.graph.input[0].name
    np.testing.assert_array_equal(run(joined, {name: np.zeros((1, 2), np.float32)})["z"], [[1, 2]])


def test_a_wire_without_an_end_is_refused():
    head = keras_to_onnx.to_onnx(chain((3,), layers.Dense(3)))
    with pytest.raises(ExportError, match=r"output of the first graph called 'scores'.*shallow, deep, pooled"):
        join(keras_to_onnx.to_onnx(two_stages()), head, {"scores": head.graph.input[0].name})
    with pytest.raises(ExportError, match="input of the second graph called 'features'"):
        join(keras_to_onnx.to_onnx(two_stages()), head, {"pooled": "features"})
