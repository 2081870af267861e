"""What a deployable of pairs says, needs and shows as its example: what deployables of both parts do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from autotl.images.deployed import deployed as deployed_images
from autotl.modality import Deployed
from autotl.pairs.contents import contents_of
from autotl.pairs.pair_files import read_pair
from autotl.texts.deployed import deployed as deployed_texts
from autotl.texts.text_reader import TOKENIZER_FILE
from autotl.texts.tokens import TOKENS_KEY


def deployed(size: tuple[int, int], files: Mapping[str, Path]) -> Deployed:
    """How a deployable for pairs is written. size: of the images; that of the texts is in their tokenizer."""
    images, texts = deployed_images(size, files), deployed_texts((1, _n_tokens(files)), files)

    def example(data: bytes, name: str) -> Mapping[str, str]:
        image, text = contents_of(read_pair(data, Path(name).parent))
        return {**images.example(image, ""), **texts.example(text.encode("utf-8", "replace"), "text.txt")}

    return Deployed(
        facts={**images.facts, **texts.facts, "task": "image-and-text-classification"},
        packages=tuple(dict.fromkeys((*images.packages, *texts.packages))),
        columns={**images.columns, **texts.columns},
        example=example,
    )


def _n_tokens(files: Mapping[str, Path]) -> int:
    """How long the chunks of texts are; 0 if words are counted."""
    if TOKENIZER_FILE not in files:
        return 0
    usage = json.loads(files[TOKENIZER_FILE].read_text(encoding="utf-8"))[TOKENS_KEY]
    return int(usage["n_tokens"])
