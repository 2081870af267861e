"""E-mails of one thread or one sender are found by their headers, and nothing in a header is an error."""

from __future__ import annotations

import os

import pandas as pd
import pytest

from autotl.data.candidate_groups.from_email import by_email, without_reply


@pytest.fixture
def found(tmp_path):
    """found(name=content, ...): {candidate: {file: group}} of files with these contents."""

    def found(**files):
        for name, content in files.items():
            (tmp_path / f"{name}.eml").write_bytes(content if isinstance(content, bytes) else content.encode())
        items = pd.DataFrame({"path": [f"{name}.eml" for name in files]})
        return {one.name: dict(zip(files, one.group, strict=True)) for one in by_email(items, tmp_path)}

    return found


def mail(sender="ann@x.org", subject="Hello", own="", references="", body="text"):
    lines = [f"From: {sender}", f"Subject: {subject}"]
    lines += [f"Message-ID: <{own}@x>"] if own else []
    lines += [f"References: {references}"] if references else []
    return "\r\n".join([*lines, "", body])


def test_replies_belong_to_the_thread_of_the_messages_they_refer_to(found):
    threads = found(
        a=mail(subject="The house", own="1"), b=mail(subject="Re: The house", own="2", references="<1@x>"),
        c=mail(subject="A garden", own="3", references="<1@x>\r\n <2@x>"), d=mail(subject="Another one", own="4"),
    )["email-thread"]  # fmt: skip
    assert threads == {"a": "the house", "b": "the house", "c": "the house", "d": ""}


def test_replies_to_one_missing_message_are_a_thread(found):
    threads = found(a=mail(own="2", references="<1@x>"), b=mail(own="3", references="<1@x>"), c=mail(own="9"))
    assert threads["email-thread"] == {"a": "hello", "b": "hello", "c": ""}


def test_without_references_the_subject_of_a_reply_tells_the_thread(found):
    threads = found(
        a=mail(subject="The new house"), b=mail(subject="RE: Fwd: the  NEW house"), c=mail(subject="Offer of the week"),
        d=mail(subject="Offer of the week"), e=mail(subject="AW: =?utf-8?q?Caf=C3=A9_f=C3=BCr_alle?="),
        f=mail(subject="=?utf-8?q?Caf=C3=A9_f=C3=BCr_alle?="), g=mail(subject="Re: hi"), h=mail(subject="Re: hi"),
    )["email-thread"]  # fmt: skip
    assert threads["a"] == threads["b"] == "the new house"
    assert threads["c"] == threads["d"] == ""
    assert threads["g"] == threads["h"] == ""


def test_two_threads_of_one_subject_are_told_apart(found):
    threads = found(
        a=mail(subject="Meeting tomorrow", own="1"), b=mail(subject="Meeting tomorrow", own="2", references="<1@x>"),
        c=mail(subject="Meeting tomorrow", own="3"), d=mail(subject="Meeting tomorrow", own="4", references="<3@x>"),
    )["email-thread"]  # fmt: skip
    assert threads == {
        "a": "meeting tomorrow", "b": "meeting tomorrow", "c": "meeting tomorrow (2)", "d": "meeting tomorrow (2)",
    }  # fmt: skip


def test_the_sender_is_the_address_whatever_the_name(found):
    senders = found(
        a=mail("Ann <Ann@X.org>"), b=mail("ann@x.org"), c=mail('"Bob, the" <bob@x.org>'), d=mail("nobody"),
    )["email-sender"]  # fmt: skip
    assert senders == {"a": "ann@x.org", "b": "ann@x.org", "c": "", "d": ""}


def test_texts_that_are_no_emails_have_no_candidates_and_are_hardly_opened(tmp_path, monkeypatch):
    paths = [f"{k}.txt" for k in range(500)]
    for path in paths:
        (tmp_path / path).write_text("Once upon a time\n\nthere was a house.")
    opened = []
    real = os.open
    monkeypatch.setattr(os, "open", lambda path, *rest: opened.append(path) or real(path, *rest))
    assert list(by_email(pd.DataFrame({"path": paths}), tmp_path)) == []
    assert len(opened) <= 40


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x00\xff\xfe" * 50, b"From: =?x-unknown?b?!!!?= <a@b>\nSubject: =?utf-8?b?////?=\n\n",
        b"Subject: " + b"Re: " * 20_000, b"References: " + b"<" * 60_000, b"From:\nSubject:\nMessage-ID: <>\n\n",
        b"Message-ID: <a@b>\nReferences: <a@b> <a@b>\n\n", "From: ü@ü\nSubject: Größe\n\n".encode("latin-1"),
        b"From: a@b\n" + b" folded\n" * 5000,
    ],
)  # fmt: skip
def test_whatever_the_headers_are_every_file_has_a_group_or_none(found, content):
    groups = found(a=content, b=content, c=mail(own="1"))
    assert groups
    for group in groups.values():
        assert set(group) == {"a", "b", "c"}
        assert group["a"] == group["b"]


def test_files_that_are_gone_have_no_group(tmp_path):
    (tmp_path / "a.eml").write_text(mail(own="1"))
    (tmp_path / "b.eml").write_text(mail(own="2", references="<1@x>"))
    os.mkfifo(tmp_path / "pipe.eml")
    items = pd.DataFrame({"path": ["a.eml", "b.eml", "gone.eml", "pipe.eml"]})
    thread, _ = by_email(items, tmp_path)
    assert thread.group.tolist() == ["hello", "hello", "", ""]


@pytest.mark.parametrize(
    ("subject", "plain"),
    [("Re: A b", "a b"), ("RE[2]: Fwd:  a  B", "a b"), ("Return: x", "return: x"), ("", ""), ("AW：x", "x")],
)
def test_the_marks_of_a_reply_are_taken_off(subject, plain):
    assert without_reply(subject) == plain
