"""ONNX networks of texts are opened with the tokenizer beside them, and give what they give alone."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from onnx_networks import Net
from small_text_encoder import WORDS, small_tokenizer

from autotl.errors import ConfigError, PluginError
from autotl.features.frozen_network import freeze
from autotl.features.text_network import open_tokens
from autotl.graphs.network_trial import examined
from autotl.interfaces import TextEncoder
from autotl.testing import check_encoder_format
from autotl_plugins.encoders import _examined_files, onnx_files
from autotl_plugins.encoders.onnx_files import open_file, open_folder

TEXTS = ["the film was good", "bad!", "", "the film was very very long . the film was not good at all . " * 3]


class InThisProcess:
    """In place of a child process, which takes a second to start."""

    def __init__(self, module: str, function: str, *, crash: str, seconds: float) -> None:
        pass

    def __call__(self, file: Path) -> Any:
        return examined(file)

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def no_child_process(request, monkeypatch, tmp_path):
    monkeypatch.setenv("AUTOTL_CACHE", str(tmp_path / "cache"))
    if "child" not in request.node.name:
        monkeypatch.setattr(_examined_files, "Isolated", InThisProcess)


def transformer(
    *, ids: str = "input_ids", mask: str = "attention_mask", types: str = "token_type_ids",
    element: int = TensorProto.INT64, axes: tuple[int | str, int | str] = ("batch", "sequence"), half: bool = False,
    longest: int = 0, outputs: tuple[str, ...] = ("last_hidden_state", "sentence_embedding"), **metadata: str,
) -> onnx.ModelProto:  # fmt: skip
    """One layer of attention, as exporters write it; longest: rows of its table of positions."""
    net, width = Net(half=half), 6
    x = net.op("Gather", net.normal(len(WORDS), width), ids, axis=0)
    if types:
        x = net.op("Add", x, net.op("Gather", net.normal(2, width), types, axis=0))
    if longest:
        shape = net.op("Shape", ids)
        length = net.op("Gather", shape, net.const(np.array(1)))
        zero, one = net.const(np.array(0)), net.const(np.array(1))
        places = net.op("Range", zero, length, one)
        x = net.op("Add", x, net.op("Gather", net.normal(longest, width), places, axis=0))
    weights = net.op(
        "MatMul", net.dense(x, width, width), net.op("Transpose", net.dense(x, width, width), perm=[0, 2, 1])
    )
    if mask:
        own = helper.np_dtype_to_tensor_dtype(np.dtype(net.kind))
        net.nodes.append(helper.make_node("Cast", [mask], ["weights_of_tokens"], to=own))
        column = net.op("Unsqueeze", "weights_of_tokens", net.const(np.array([1])))
        away = net.op("Mul", net.op("Sub", column, net.const(1.0)), net.const(1e4))
        weights = net.op("Add", weights, away)
    x = net.op("MatMul", net.op("Softmax", weights, axis=-1), net.dense(x, width, width))
    net.layer_norm(x, width, to="last_hidden_state")
    first = net.op("Gather", "last_hidden_state", net.const(np.array(0)), axis=1)
    net.dense(first, width, 5, to="sentence_embedding")
    net.op("Tanh", net.dense(first, width, 4), to="pooler_output")
    others = [(name, element, list(axes)) for name in (mask, types) if name]
    return net.model(axes, outputs, source=ids, element=element, others=others, **metadata)


def save(folder: Path, model: onnx.ModelProto, name: str = "net.onnx", tokenizer: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / name)
    (folder / "tokenizer.json").write_text(tokenizer or small_tokenizer(special=True), encoding="utf-8")
    return folder / name


def opened(file: Path) -> TextEncoder:
    encoder = open_file(str(file))
    assert isinstance(encoder, TextEncoder)
    return encoder


def vectors(encoder: TextEncoder, cache: Path, texts: list[str]) -> dict[str, np.ndarray]:
    network = freeze(encoder, encoder.sizes[0], cache=cache)
    session = onnxruntime.InferenceSession(str(network.file), providers=["CPUExecutionProvider"])
    batch = open_tokens(network).encode(texts, network.size[1])
    return dict(zip(network.tensors, session.run(list(network.tensors), batch), strict=True))


@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"types": ""},
        {"element": TensorProto.INT32},
        {"ids": "ids", "mask": "mask"},
        {"longest": 300},
        {"half": True},
    ],
    ids=str,
)
def test_the_vector_of_a_text_is_the_one_that_onnx_runtime_gives_alone(tmp_path, kind):
    model = transformer(**kind)
    encoder = opened(save(tmp_path, model))
    assert encoder.sizes == ((1, 256),)
    found = vectors(encoder, tmp_path / "frozen", TEXTS)
    alone = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    numbers = {word: number for number, word in enumerate(WORDS)}
    for place, text in enumerate(TEXTS[:2]):
        words = ["[CLS]", *text.replace("!", " !").split(), "[SEP]"]
        ids = np.array([[numbers[word] for word in words]])
        values = {"ids": ids, "mask": np.ones_like(ids), "types": np.zeros_like(ids)}
        feeds = {}
        for one in alone.get_inputs():
            what = "types" if "type" in one.name else "mask" if "mask" in one.name else "ids"
            feeds[one.name] = values[what].astype(np.int32 if "int32" in one.type else np.int64)
        tokens, sentence = alone.run(["last_hidden_state", "sentence_embedding"], feeds)
        tolerance = 2e-3 if kind.get("half") else 1e-5
        np.testing.assert_allclose(found["last_hidden_state-avg"][place], tokens[0].mean(axis=0), atol=tolerance)
        np.testing.assert_allclose(found["last_hidden_state-max"][place], tokens[0].max(axis=0), atol=tolerance)
        np.testing.assert_allclose(found["sentence_embedding-avg"][place], sentence[0], atol=tolerance)
    assert not any(array[2].any() for array in found.values())


def test_a_chunk_has_as_many_tokens_as_the_network_takes_or_files_beside_it_say(tmp_path):
    assert opened(save(tmp_path / "a", transformer(longest=100))).sizes == ((1, 64),)
    file = save(tmp_path / "b", transformer())
    (tmp_path / "b" / "tokenizer_config.json").write_text('{"model_max_length": 1000000000}')
    (tmp_path / "b" / "sentence_bert_config.json").write_text('{"max_seq_length": 48}')
    assert opened(file).sizes == ((1, 48),)
    (tmp_path / "b" / "sentence_bert_config.json").write_text('{"max_seq_length": 40}')
    assert opened(file).sizes == ((1, 40),)


@pytest.mark.parametrize("name", ["model.onnx", "onnx/model.onnx", "other.onnx"])
def test_a_folder_with_a_network_and_its_tokenizer_is_opened(tmp_path, name):
    folder = tmp_path / "encoder"
    (folder / "onnx").mkdir(parents=True)
    onnx.save(transformer(license="MIT", author="A. Lab"), folder / name)
    assert open_folder(str(folder)) is None
    (folder / "tokenizer.json").write_text(small_tokenizer(special=True))
    encoder = open_folder(str(folder))
    assert isinstance(encoder, TextEncoder)
    assert (encoder.licence, encoder.commercial, encoder.modality) == ("MIT", True, "text")
    assert encoder.source == f"the file {Path(name).name} by A. Lab"
    assert opened(folder / name).sizes == encoder.sizes


def test_a_folder_whose_network_is_not_clear_is_refused(tmp_path):
    (tmp_path / "tokenizer.json").write_text(small_tokenizer())
    with pytest.raises(ConfigError, match=r"no ONNX file; expected model\.onnx"):
        open_folder(str(tmp_path))
    for name in ("a.onnx", "b.onnx"):
        onnx.save(transformer(), tmp_path / name)
    with pytest.raises(ConfigError, match=r"several networks, a\.onnx, b\.onnx: give one"):
        open_folder(str(tmp_path))


def test_inner_layers_are_read_too_where_there_are_some(tmp_path):
    net, width = Net(), 6
    x = net.op("Gather", net.normal(len(WORDS), width), "input_ids", axis=0)
    for number in range(7):
        x = net.layer_norm(net.dense(x, width, width), width, to=f"norm{number}")
    net.op("Identity", x, to="last_hidden_state")
    model = net.model(["n", "length"], ["last_hidden_state"], source="input_ids", element=TensorProto.INT64)
    encoder = opened(save(tmp_path, model))
    graph = encoder.graph(*encoder.sizes[0])
    assert [value.name for value in graph.graph.output] == ["a_third", "two_thirds", "last_hidden_state"]
    found = vectors(encoder, tmp_path / "frozen", TEXTS)
    model.graph.output.append(helper.make_tensor_value_info("norm2", TensorProto.FLOAT, ["n", "length", width]))
    alone = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    [tokens] = alone.run(
        ["norm2"], {"input_ids": np.array([[1, *(WORDS.index(word) for word in TEXTS[0].split()), 2]])}
    )
    np.testing.assert_allclose(found["a_third-avg"][0], tokens[0].mean(axis=0), atol=1e-5)


def test_what_the_settings_file_says_counts(tmp_path):
    file = save(tmp_path, transformer())
    said = {"outputs": ["pooler_output"], "licence": "CC-BY-NC-4.0", "source": "https://example.org"}
    (tmp_path / "net.json").write_text(json.dumps(said))
    encoder = opened(file)
    assert [value.name for value in encoder.graph(*encoder.sizes[0]).graph.output] == ["pooler_output"]
    assert (encoder.licence, encoder.commercial) == ("CC-BY-NC-4.0", False)
    assert encoder.source.endswith("from https://example.org")
    (tmp_path / "net.json").write_text('{"outputs": ["pooler_outputs"]}')
    with pytest.raises(ConfigError, match=r"'pooler_outputs' under 'outputs'.*'pooler_output'"):
        opened(file)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (lambda: transformer(axes=(1, 128)), r"'input_ids' is of shape \(1, 128\); expected any number of texts"),
        (lambda: transformer(mask="offsets"), "it needs 'offsets' as well as tokens"),
        (lambda: transformer(longest=3), "cannot run it on 256 tokens"),
        (lambda: transformer(outputs=("input_ids_out",)), "none of its outputs is a vector|not valid|cannot run"),
    ],
)
def test_a_network_that_does_not_fit_is_refused_with_the_reason(tmp_path, model, reason):
    with pytest.raises(ConfigError, match=rf"net\.onnx cannot be used as a backbone: .*({reason})"):
        opened(save(tmp_path, model()))


def test_a_network_without_its_tokenizer_is_refused(tmp_path):
    file = save(tmp_path, transformer())
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"tokenizer\.json cannot be used: it is not a tokenizer"):
        opened(file)
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(ConfigError, match=r"its tokenizer\.json is not beside it in "):
        opened(file)


def test_a_tokenizer_of_another_network_is_refused_when_they_are_joined(tmp_path):
    words = (*WORDS, *(f"word{number}" for number in range(50)))
    encoder = opened(save(tmp_path, transformer(), tokenizer=small_tokenizer(words, special=True)))
    with pytest.raises(PluginError, match="cannot be computed"):
        freeze(encoder, encoder.sizes[0], cache=tmp_path / "frozen")


def test_a_network_that_forgets_the_mask_is_refused(tmp_path):
    encoder = opened(save(tmp_path, transformer(mask="")))
    with pytest.raises(PluginError, match="padded among others"):
        freeze(encoder, encoder.sizes[0], cache=tmp_path / "frozen")


def test_the_format_of_folders_keeps_the_contract():
    for one in onnx_files.register_encoder_formats():
        check_encoder_format(one)
    assert open_folder("no such folder") is open_folder("a\0b") is open_folder("x" * 5000) is None


def test_in_a_child_process_the_same_is_found(tmp_path):
    encoder = opened(save(tmp_path, transformer()))
    assert [value.name for value in encoder.graph(*encoder.sizes[0]).graph.input] == ["ids", "mask"]


def damaged(content: bytes, seed: int) -> bytes:
    rng, changed = random.Random(seed), bytearray(content)
    for _ in range(rng.randrange(1, 6)):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed[: rng.randrange(1, len(changed))] if seed % 4 == 0 else changed)


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_tokenizer_is_used_or_refused_and_never_crashes(tmp_path, seed):
    file = save(tmp_path, transformer())
    (tmp_path / "tokenizer.json").write_bytes(damaged((tmp_path / "tokenizer.json").read_bytes(), seed))
    try:
        found = vectors(opened(file), tmp_path / "frozen", TEXTS)
    except (ConfigError, PluginError, ValueError) as error:
        assert str(error)
        return
    assert all(np.isfinite(array).all() for array in found.values())


def test_damaged_networks_are_used_or_refused_and_never_crash_the_child_process_s_parent(tmp_path):
    content = save(tmp_path, transformer()).read_bytes()
    for seed in range(6):
        file = tmp_path / f"{seed}.onnx"
        file.write_bytes(damaged(content, seed))
        try:
            open_file(str(file))
        except ConfigError as error:
            assert "cannot be used as a backbone" in str(error)
