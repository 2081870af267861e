"""The conformance checks of encoders and formats pass sound ones and fail on the defect planted in them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from onnx import TensorProto, helper
from small_encoder import small_graph
from small_text_encoder import small_text_encoder, small_text_graph, small_tokenizer

from autotl.errors import ConfigError, WeightsError
from autotl.interfaces import Encoder, EncoderFormat
from autotl.testing import check_encoder, check_encoder_format

SOUND = Encoder("small", small_graph, ((20, 28), (32, 32)))


def test_a_sound_encoder_passes():
    check_encoder(SOUND)
    check_encoder(replace(SOUND, commercial=False, licence="CC-BY-NC-4.0"))


def constant(height, width):
    model = small_graph(height, width)
    third = next(one for one in model.graph.initializer if one.name == "third")
    third.CopyFrom(helper.make_tensor("third", TensorProto.FLOAT, [8, 5], [0.0] * 40))
    return model


def infinite(height, width):
    model = small_graph(height, width)
    for node in model.graph.node:
        if node.op_type == "Relu":
            node.op_type = "Log"
    return model


def across_images(height, width):
    model = small_graph(height, width)
    for node in model.graph.node:
        if node.op_type == "Flatten":
            node.CopyFrom(helper.make_node("Flatten", ["mixed"], ["flat"]))
    place = next(i for i, node in enumerate(model.graph.node) if node.op_type == "Flatten")
    mean = helper.make_node("ReduceMean", ["g"], ["batch"], axes=[0], keepdims=1)
    model.graph.node.insert(place, mean)
    model.graph.node.insert(place + 1, helper.make_node("Sub", ["g", "batch"], ["mixed"]))
    return model


def renamed(height, width):
    model = small_graph(height, width)
    model.graph.node[-1].output[0] = model.graph.output[-1].name = f"embedding{height}"
    return model


def changing(height, width):
    return small_graph(height, width, seed=int(np.random.default_rng().integers(2**31)))


def missing(height, width):
    raise WeightsError("expected net.onnx in the folder AUTOTL_WEIGHTS")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"sizes": ()}, "sizes are"),
        ({"commercial": False}, "say in `licence` which licence forbids it"),
        ({"graph": constant}, "'embedding-vector': black, white and noise give the same numbers"),
        ({"graph": infinite}, "'low-avg': not finite on pixels 0..255"),
        ({"graph": across_images}, "'embedding' is another for an image alone than among others"),
        ({"graph": lambda height, width: None}, "graph returned NoneType; expected an onnx.ModelProto"),
        ({"graph": changing}, "graph returned another graph the second time"),
        ({"graph": renamed}, "give them fixed names"),
        ({"graph": missing}, r"cannot be checked without its weights: expected net\.onnx"),
        ({"graph": lambda height, width: 1 / 0}, "graph raised ZeroDivisionError"),
    ],
)
def test_an_unsound_encoder_fails(change, told):
    with pytest.raises(AssertionError, match=told):
        check_encoder(replace(SOUND, **change))


def blind(height, width):
    model = small_text_graph(height, width)
    table = next(one for one in model.graph.initializer if one.name == "table")
    table.CopyFrom(helper.make_tensor("table", TensorProto.FLOAT, table.dims, [0.5] * int(np.prod(table.dims))))
    return model


def without_numbers(height, width):
    model = small_text_graph(height, width)
    model.graph.node[-1].op_type = "Log"
    return model


def unpadded(height, width):
    model = small_text_graph(height, width)
    model.graph.node[3].CopyFrom(helper.make_node("Identity", ["words"], ["masked"]))
    return model


def another_tokenizer(calls=[]):  # noqa: B006
    calls.append(0)
    return small_tokenizer().replace("Lowercase", ("NFC", "NFD")[len(calls) % 2])


@pytest.mark.parametrize("special", [False, True])
def test_a_sound_encoder_of_texts_passes(special):
    check_encoder(small_text_encoder(tokenizer=lambda: small_tokenizer(special=special), sizes=((1, 8), (1, 16))))
    check_encoder(small_text_encoder(unknown="[UNK]", skip_unknown=True))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"sizes": ((8, 8),)}, r"it has the size \[\(8, 8\)\]; expected \(1, n_tokens\)"),
        ({"tokenizer": lambda: "{"}, "its tokenizer is not the JSON of a tokenizer"),
        ({"tokenizer": lambda: None}, "tokenizer returned NoneType; expected JSON"),
        ({"tokenizer": another_tokenizer}, "tokenizer returned another the second time"),
        ({"tokenizer": lambda: 1 / 0}, "tokenizer raised ZeroDivisionError"),
        ({"unknown": "<unk>"}, "unknown is '<unk>', a token that its tokenizer does not have"),
        ({"skip_unknown": True}, "say in `unknown` which token"),
        ({"graph": blind}, "'words-avg': different texts give the same numbers"),
        ({"graph": without_numbers}, "'sentence-avg': not finite"),
        ({"graph": unpadded}, "padded among others"),
        ({"graph": small_graph}, r"has the inputs \['images'\]; expected 'ids' and 'mask'"),
    ],
)
def test_an_unsound_encoder_of_texts_fails(change, told):
    with pytest.raises(AssertionError, match=told):
        check_encoder(small_text_encoder(**change))


def open_toy(name):
    if not name.endswith(".toy"):
        return
    raise ConfigError(f"{name} is missing")


def test_a_sound_format_passes():
    check_encoder_format(EncoderFormat("toy", open_toy, "FILE.toy"))


@pytest.mark.parametrize(
    ("opener", "told"),
    [
        (lambda name: SOUND, "it opened 'efficientnet-lite0', which is the name of a backbone"),
        (lambda name: SOUND if name.endswith(".toy") else None, "opened '/no/such/file.toy', which does not exist"),
        (lambda name: {}[name], "raised KeyError"),
    ],
)
def test_an_unsound_format_fails(opener, told):
    with pytest.raises(AssertionError, match=told):
        check_encoder_format(EncoderFormat("toy", opener, "FILE.toy"))
