"""The page of `autotl check` opens offline, shows the worst first, is safe for any file name, and stays small."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import shlex
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from autotl.data.dataset import Dataset
from autotl.data.split import Split
from autotl.errors import ConfigError
from autotl.images import file_info
from autotl.interfaces import Finding
from autotl.reports import check_page
from autotl.reports.check_page import commands, write_page

EVIL = "<script>alert('1')<b>\"&amp;"  # no slash, so that it can be the name of a folder
NEAR = "near-duplicates"


class Page(HTMLParser):
    """Collects tags, attributes and text, also of each finding, and checks that every tag is closed."""

    VOID = ("meta", "img", "br")

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.images, self.text, self.open = [], [], [], "", []
        self.headings, self.cards, self.rows = [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag == "img":
            self.images.append(dict(attributes))
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "article":
            self.cards.append("")
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")
        if re.fullmatch(r"h\d", tag):
            self.headings.append([tag, ""])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" in self.open:
            return
        self.text += data
        if "article" in self.open:
            self.cards[-1] += data
        if {"th", "td"} & set(self.open):
            self.rows[-1][-1] += data.strip()
        if self.open and re.fullmatch(r"h\d", self.open[-1] if self.open[-1] != "span" else self.open[-2]):
            self.headings[-1][1] += data


def words(text):
    return " ".join(text.split())


@pytest.fixture
def make(tmp_path):
    """make({"cat": 3}, pairs=[(0, 1, 0.98)], broken={"cat/x.png": "it is empty"}, given_split=[...]): real files."""

    def make(classes, *, pairs=(), broken=None, edge=24, **columns):
        rng = np.random.default_rng(3)
        rows = []
        for label, n in classes.items():
            (tmp_path / "data" / label).mkdir(parents=True, exist_ok=True)
            for i in range(n):
                path = f"{label}/{i:03d}.png"
                Image.fromarray(rng.integers(0, 256, (edge, 2 * edge, 3), dtype=np.uint8)).save(
                    tmp_path / "data" / path
                )
                digest = hashlib.sha256((tmp_path / "data" / path).read_bytes()).hexdigest()
                rows.append({"path": path, "label": label, "sha256": digest, "quarantine": ""})
        table = pd.DataFrame(rows, columns=["path", "label", "sha256", "quarantine"])
        table = table.assign(phash="", group="", given_split="", width=2 * edge, height=edge).assign(**columns)
        for path, reason in (broken or {}).items():
            table.loc[len(table)] = [path, path.split("/")[0], "", reason, "", "", "", 0, 0]
        types = {"first": int, "second": int, "similarity": float, "mirrored": bool}
        alike = pd.DataFrame([(*pair, False)[:4] for pair in pairs], columns=list(types)).astype(types)
        return Dataset(tmp_path / "data", table, pairs=alike)

    return make


@pytest.fixture
def write(tmp_path):
    """write(dataset, *findings): the page as text."""

    def write(dataset, *findings, data=None, split=None, facts=None):
        page = tmp_path / "page.html"
        write_page(page, dataset, findings, data=data or tmp_path / "data", split=split, facts=facts or {})
        return page.read_text(encoding="utf-8")

    return write


def finding(dataset, check, *items, pairs=(), fixes=(), severity="warning", message="m", advice="Look at it"):
    paths = dataset.items["path"]
    pairs = tuple((paths[i], paths[j]) for i, j in pairs)
    return Finding(check, severity, message, tuple(paths.iloc[list(items)]), advice, pairs, fixes)


def test_the_page_opens_offline_and_runs_nothing(make, write):
    dataset = make({"cat": 3, "dog": 3})
    text = write(dataset, finding(dataset, "blank", 0, 1))
    page = Page(text)
    assert text.startswith("<!doctype html>")
    assert not re.search(r"https?://|@import|url\(", text)
    assert not {"script", "link", "iframe", "object", "base", "form"} & set(page.tags)
    assert any(value and value.startswith("default-src 'none'") for _, value in page.attributes)
    assert page.images
    for name, value in page.attributes:
        assert name not in ("src", "href") or value.startswith("data:image/jpeg;base64,")
        assert not name.startswith("on")


def test_names_are_shown_as_they_are_and_never_run(make, write):
    dataset = make({EVIL: 2, "cat": 2}, broken={f"{EVIL}/x.png": f"reason {EVIL}"}, given_split=EVIL)
    found = [
        Finding(
            "label-conflicts", "warning", f"found {EVIL}", (*dataset.table["path"], f"gone{EVIL}"), f"remove {EVIL}",
            pairs, (("exclude", f"{EVIL}/000.png"), ("relabel", f"{EVIL}/000.png", EVIL)),
        )
        for pairs in ((), ((f"{EVIL}/000.png", f"gone{EVIL}"),))
    ]  # fmt: skip
    text = write(dataset, *found, data=dataset.root / EVIL, facts={f"label {EVIL}": f"text {EVIL}"})
    page = Page(text)
    assert "script" not in page.tags
    assert page.tags.count("b") == 4  # the counts at the head, none of a name
    assert EVIL not in text
    for shown in (
        f"found {EVIL}.",
        f"remove {EVIL}.",
        f"reason {EVIL}",
        f"label {EVIL}",
        f"text {EVIL}",
        f"gone{EVIL}",
    ):
        assert shown in page.text
    assert page.headings[0] == ["h1", EVIL]
    assert page.rows[1][0] == EVIL


@pytest.mark.parametrize("name", ["größe 猫 🐈", "x" * 200, "\u202eesrever", "tab\there"])
def test_unusual_names_reach_the_page_whole(make, write, name):
    dataset = make({name: 1, "cat": 1})
    assert f"{name}/000.png" in Page(write(dataset, finding(dataset, "blank", 0))).text


def test_a_message_that_is_not_valid_text_does_not_stop_the_page(make, write):
    dataset = make({"cat": 1})
    text = write(dataset, finding(dataset, "x", 0, message="the file says \udcff"))
    assert "the file says \\udcff" in text


def test_findings_are_in_their_order_and_their_severity_is_a_word(make, write):
    dataset = make({"cat": 2})
    found = [finding(dataset, f"about-{s}", 0, severity=s) for s in ("error", "warning", "warning", "info")]
    page = Page(write(dataset, *found))
    titles = [text for tag, text in page.headings if tag == "h3"]
    assert titles == ["error: about-error", "warning: about-warning", "warning: about-warning", "info: about-info"]
    assert "1 error, 2 warnings, 1 info" in page.text


def test_headings_are_in_order_and_every_image_has_alternative_text(make, write):
    dataset = make({"cat": 3, "dog": 2}, pairs=[(0, 3, 0.9)], broken={"cat/x.png": "it is empty"})
    page = Page(write(dataset, finding(dataset, "dark", 0), finding(dataset, NEAR, 0, 3, pairs=[(0, 3)])))
    levels = [int(tag[1]) for tag, _ in page.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(deeper - level <= 1 for level, deeper in pairwise(levels))
    assert len(page.images) == 1 + 2 + 5
    assert all(image["alt"] for image in page.images)
    assert page.images[0]["alt"] == "image labelled cat"


def test_the_top_of_the_page_has_counts_and_facts(make, write):
    dataset = make({"cat": 3, "dog": 1}, broken={"cat/x.png": "it is empty"})
    page = Page(write(dataset, facts={"fingerprint": "f00d", "since the last run": "2 new\n1 gone"}))
    assert "4 images in 2 classes, 1 skipped." in page.text
    assert "fingerprintf00d" in page.text.replace("\n", "")
    assert "2 new\n1 gone" in page.text


def test_images_without_a_label_are_counted_separately(make, write):
    dataset = make({"cat": 3}, label=["cat", "", "cat"])
    page = Page(write(dataset))
    assert "2 images in 1 class, 1 image without a label." in page.text
    assert page.rows[1:] == [["cat", "2", "48 × 24", ""]]


def test_a_class_that_the_user_excluded_is_not_listed_and_one_that_cannot_be_read_is(make, write):
    page = Page(write(make({"cat": 1}, broken={"dog/x.png": "excluded by the patch file", "emu/x.png": "it is empty"})))
    assert [row[:2] for row in page.rows[1:3]] == [["cat", "1"], ["emu", "0"]]
    assert len(page.rows) == 3 + 1 + 2


def test_a_dataset_without_findings_is_not_promised_to_be_right(make, write):
    page = Page(write(make({"cat": 2, "dog": 2})))
    assert "No check found a problem with these images" in page.text
    assert "Whether their labels are right, only you can judge" in page.text
    assert not page.cards
    assert "Skipped and excluded files" not in page.text


def test_a_dataset_without_a_usable_image_has_a_page_too(make, write):
    page = Page(write(make({}, broken={"cat/x.png": "it is empty"})))
    assert "0 images in 0 classes, 1 skipped" in page.text
    assert page.rows[1] == ["cat", "0", "–", ""]


@pytest.mark.parametrize("text", ["It is odd.", "It is odd", "It is odd!", ""])
def test_a_sentence_ends_once(make, write, text):
    dataset = make({"cat": 1})
    [card] = Page(write(dataset, finding(dataset, "dark", 0, message="m", advice=text))).cards
    assert ".." not in card
    assert "!." not in card
    assert not text or re.search(re.escape(text.rstrip(".")) + r"[.!]?\n", card)


@pytest.mark.parametrize(
    ("n", "shown", "listed", "words"),
    [(12, 12, 0, None), (13, 12, 1, "and 1 more file"), (230, 12, 200, "and 218 more files")],
)
def test_twelve_items_are_shown_some_listed_and_the_rest_counted(make, write, n, shown, listed, words):
    dataset = make({"cat": n, "dog": 1}, edge=2)
    text = write(dataset, finding(dataset, "dark", *range(n)))
    [card] = Page(text).cards
    article = re.search(r"<article.*?</article>", text, re.DOTALL).group()
    assert article.count("<img") == shown
    assert len(re.findall(r"<li><bdi>cat/\d+\.png</bdi>", article)) == listed
    assert (words in card) if words else "more" not in card
    assert ("and 18 that are not listed here" in card) == (n == 230)


def test_below_an_image_are_its_label_size_and_path(make, write):
    dataset = make({"cat": 1, "dog": 1}, given_split=["train", ""])
    one, two = Page(write(dataset, finding(dataset, "dark", 0), finding(dataset, "dark", 1))).cards
    assert words(one).endswith("cat in train48 × 24cat/000.png")
    assert words(two).endswith("dog48 × 24dog/000.png")


def test_a_file_that_cannot_be_shown_is_a_box_with_the_reason(make, write):
    dataset = make({"cat": 2}, broken={"cat/x.png": "it is empty"})
    (dataset.root / "cat" / "x.png").write_bytes(b"")
    dataset.path(1).unlink()
    found = Finding("unreadable", "warning", "m", ("cat/x.png", "cat/001.png", "../elsewhere.png"), "a")
    [card] = Page(write(dataset, found)).cards
    reasons = re.findall("not shown: (.*)", card)
    assert len(reasons) == 3
    assert reasons[1:] == ["there is no such file", "not a file of this dataset"]


def test_a_file_outside_the_dataset_is_not_opened(make, write):
    dataset = make({"cat": 1})
    Image.new("RGB", (9, 9)).save(dataset.root.parent / "private.png")
    text = write(dataset, Finding("x", "info", "m", ("../private.png",)))
    assert len(Page(text).images) == 1  # the sample of the class


def test_pairs_are_side_by_side_with_their_similarity_in_the_order_of_the_finding(make, write):
    dataset = make({"cat": 6}, pairs=[(0, 1, 0.9), (2, 3, 0.99996, True), (1, 4, 1.0)], sha256=list("abcdbf"))
    text = write(dataset, finding(dataset, NEAR, 0, 1, 2, 3, 4, pairs=[(2, 3), (4, 1), (0, 1), (0, 5)]))
    boxes = re.findall(r"<li>(?:<p>(.*?)</p>)?<div.*?<bdi>(cat/\d+.png).*?<bdi>(cat/\d+.png)", text, re.DOTALL)
    assert boxes == [
        ("similarity 0.99, mirrored", "cat/002.png", "cat/003.png"),
        ("exact copies", "cat/004.png", "cat/001.png"),
        ("similarity 0.90", "cat/000.png", "cat/001.png"),
        ("", "cat/000.png", "cat/005.png"),
    ]


def test_eight_pairs_are_shown_and_the_other_files_listed(make, write):
    pairs = [(2 * i, 2 * i + 1) for i in range(11)]
    dataset = make({"cat": 22}, pairs=[(*pair, 0.9) for pair in pairs])
    [card] = Page(write(dataset, finding(dataset, NEAR, *range(22), pairs=pairs))).cards
    assert card.count("similarity 0.90") == 8
    assert "and 6 more files" in card
    assert card.count("cat/016.png") == 1


def test_a_proposed_decision_is_a_command_that_reads_the_data_in_the_same_way(make, write, tmp_path):
    dataset = make({"it's a cat": 1, "dog": 1})
    fixes = (("exclude", "dog/000.png"), ("relabel", "dog/000.png", "it's a cat"), ("merge", "dog", "it's a cat"))
    found = finding(dataset, "any", 1, fixes=fixes)
    lines = commands(found, tmp_path / "my data", ["--label", "the class"])
    assert [shlex.split(line) for line in lines] == [
        ["autotl", "fix", str(tmp_path / "my data"), "--label", "the class", f"--{option}", value]
        for option, value in [
            ("exclude", "dog/000.png"), ("relabel", "dog/000.png=it's a cat"), ("merge", "dog=it's a cat"),
        ]
    ]  # fmt: skip
    [card] = Page(write(dataset, found)).cards
    assert "To store your decision, one of these:" in card
    assert all(shlex.join(["--exclude", "dog/000.png"]) in text for text in (card, lines[0]))
    [card] = Page(write(dataset, finding(dataset, "any", 1))).cards
    assert "autotl fix" not in card


def test_skipped_files_are_not_decoded_again(make, write, monkeypatch):
    dataset = make({"cat": 1}, broken={"cat/x.heic": "it brings its decoder down"})
    decoded = []
    monkeypatch.setattr(file_info, "thumbnail", lambda path, edge: decoded.append(path.name) or b"")
    [card] = Page(write(dataset, Finding("unreadable", "warning", "m", ("cat/x.heic",), "a"))).cards
    assert "not shown: it brings its decoder down" in card
    assert decoded == ["000.png"]


def test_classes_are_listed_with_their_counts_median_size_and_six_spread_samples(make, write):
    dataset = make({"cat": 11, "dog": 2}, width=[*range(10, 21), 30, 41])
    page = Page(write(dataset))
    assert page.rows == [
        ["class", "images", "median size", "samples"],
        ["cat", "11", "15 × 24", ""],
        ["dog", "2", "36 × 24", ""],
    ]
    assert [image["alt"] for image in page.images] == [f"cat/{i:03d}.png" for i in (0, 2, 4, 6, 8, 10)] + [
        "dog/000.png",
        "dog/001.png",
    ]


def test_the_split_that_came_with_the_data_is_counted_for_each_class(make, write):
    dataset = make({"cat": 3, "dog": 2}, given_split=["train", "test", "train", "", "train"])
    page = Page(write(dataset))
    assert [row[1:-2] for row in page.rows] == [
        ["images", "train", "test", "no split"],
        ["3", "2", "1", "0"],
        ["2", "1", "0", "1"],
    ]
    assert "count the split that came with the data" in page.text


def test_the_split_of_a_search_takes_precedence_over_the_given_one(make, write):
    dataset = make({"cat": 4}, given_split="train")
    page = Page(write(dataset, split=Split(fold=np.array([-1, 0, 1, 1]), cluster=np.arange(4))))
    assert [row[1:-2] for row in page.rows] == [["images", "train", "validation", "test"], ["4", "2", "1", "1"]]
    assert "count the split that a search would use" in page.text


def test_many_classes_are_cut_short_and_only_the_first_are_shown(make, write, monkeypatch):
    monkeypatch.setattr(check_page, "N_CLASSES", 5)
    monkeypatch.setattr(check_page, "N_CLASSES_WITH_SAMPLES", 2)
    page = Page(write(make({f"class {i}": 1 for i in range(7)})))
    assert len(page.rows) == 1 + 5
    assert [image["alt"] for image in page.images] == ["class 0/000.png", "class 1/000.png"]
    assert "and 2 more classes." in page.text


def test_skipped_and_excluded_files_are_listed_with_reasons_the_excluded_last(make, write):
    broken = {"cat/a.png": "excluded by you"} | {f"cat/x{i:02d}.png": "it is empty" for i in range(54)}
    page = Page(write(make({"cat": 1}, broken=broken)))
    assert page.rows[3] == ["cat/x00.png", "it is empty"]
    assert len(page.rows) == 2 + 1 + 50
    assert "and 5 more." in page.text
    page = Page(write(make({"cat": 1}, broken={"cat/a.png": "excluded by you", "cat/b.png": "it is empty"})))
    assert page.rows[3:] == [["cat/b.png", "it is empty"], ["cat/a.png", "excluded by you"]]


def test_each_file_is_decoded_once_however_often_it_is_shown(make, write, monkeypatch):
    decoded = []
    thumbnail = file_info.thumbnail
    monkeypatch.setattr(file_info, "thumbnail", lambda path, edge: decoded.append(path) or thumbnail(path, edge))
    dataset = make({"cat": 3}, pairs=[(0, 1, 0.9), (1, 2, 0.9)])
    text = write(dataset, finding(dataset, NEAR, 0, 1, 2, pairs=[(0, 1), (1, 2)]), finding(dataset, "dark", 0, 1))
    assert text.count("<img") == 4 + 2 + 3
    assert sorted(decoded) == [dataset.path(i) for i in range(3)]


def test_images_that_would_make_the_page_large_are_shown_smaller(make, write, monkeypatch):
    dataset = make({"cat": 4}, edge=80)
    found = finding(dataset, "dark", *range(4))
    full = write(dataset, found)
    jpegs = [base64.b64decode(image["src"].partition(",")[2]) for image in Page(full).images]
    assert {Image.open(io.BytesIO(jpeg)).width for jpeg in jpegs} == {112}
    for limit, width in ((sum(map(len, jpegs)), 112), (sum(map(len, jpegs)) - 1, 56)):
        monkeypatch.setattr(check_page, "MOST_IMAGE_BYTES", limit)
        images = Page(write(dataset, found)).images
        shown = [Image.open(io.BytesIO(base64.b64decode(image["src"].partition(",")[2]))) for image in images]
        assert {image.width for image in shown} == {width}


def test_a_page_that_cannot_be_written_is_refused_with_the_place(make, tmp_path):
    page = tmp_path / "nowhere" / "page.html"
    with pytest.raises(ConfigError, match=r"nowhere.page\.html cannot be written \(No such file or directory\)"):
        write_page(page, make({"cat": 1}), [], data=tmp_path, split=None, facts={})
