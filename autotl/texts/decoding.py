"""Bytes as text: the encoding is found, and the text cleaned, in the same way wherever a text is read.

An exported model carries a copy of this file, so it imports the standard library, nothing more. It needs no package
that guesses encodings, whose guesses change from version to version: what a model is trained on it is also given later.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

READER_VERSION = 1
"""Changes whenever the same bytes would give another text."""

_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe\x00\x00", "utf-32-le"), (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"),
)  # fmt: skip
_TWO_BYTE_SAMPLE = 1 << 16
_LEAST_NULS_OF_TWO_BYTES, _LEAST_PAGES = 0.02, 0.4
_TOLERATED = 0.2
"""UTF-8 with fewer wrong bytes than this, for each sound character that is not ASCII, is damaged; with more it is
another encoding."""
_PUNCTUATION = "’‘“”„–—…«»°§·•¿¡©®€£½²\xa0"
_WESTERN = (
    "äöüßÄÖÜ", "éèàêçùâîôûœëïæÉÀÈÊÇ", "áéíóúñüÁÉÍÓÚÑ", "ãáâàçéêíóôõúÃÁÂÇÉÊÍÓÔÕÚ", "àèéìòùÀÈÉÌÒÙ", "éëïöüèçêóá",
    "åäöéÅÄÖÉ", "æøåéÆØÅÉ", "àèéíïòóúüçÀÈÉÍÒÓÚÇ", "áæðéíóöúýþÁÆÉÍÓÖÚÞ",
)  # fmt: skip
_CYRILLIC = "оеаинтсрвлкмдпуябгёжзйфхцчшщъыьэюіїєґ"
_LATIN_BY_ENCODING = (
    ("windows-1252", _WESTERN),
    ("windows-1250", (
        "ąćęłńóśźżŁŚŻĆ", "áčďéěíňóřšťúůýžČŘŠŽÚ", "áäčďéíĺľňóôŕšťúýžČŠŽĽÚ", "áéíóöőúüűÁÉÍÓÖŐÚÜŰ", "ăâîşţĂÂÎŞŢ",
        "čćđšžČĆĐŠŽ",
    )),
    ("windows-1254", ("çğıîöşüâÇĞİÖŞÜ",)),
    ("mac_roman", _WESTERN),
    ("cp850", _WESTERN),
)  # fmt: skip
"""Encodings of Latin letters, the likeliest first, with the letters of the languages that are written in them."""
_FOREIGN_BY_ENCODING = (
    ("windows-1255", 1.0, "יוהלאמרתנבגדזחטךכםןסעףפץצקש"),
    ("windows-1251", 1.0, _CYRILLIC),
    ("koi8-r", 1.0, _CYRILLIC),
    ("cp866", 1.0, _CYRILLIC),
    ("iso8859-5", 1.0, _CYRILLIC),
    ("windows-1253", 1.0, "αοιετσνρπκάβγδέζηήθίλμξόςυύφχψωώ"),
    ("windows-1256", 1.0, "اليمنوترهبتثجحخدذزسشصضطظعغفقكةىءأإآئؤ،؟"),
    ("cp932", 0.4, "のにはをたがでてとしれさいるなこかくもりらっすんようまだあ、。ーンスルトイ"),
    ("euc_jp", 0.4, "のにはをたがでてとしれさいるなこかくもりらっすんようまだあ、。ーンスルトイ"),
    (
        "gb18030",
        0.25,
        "的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后，。",
    ),
    (
        "big5",
        0.25,
        "的一是不了在人有我他這中大來上國個到說們為子和你地出道也時年得就那要下以生會自著去之過家學對可她里後，。",
    ),
    ("cp949", 0.25, "이다는을가의에하고지한로를은들도기서사자어리나대시인그해만수일요아게있"),
)
"""Encodings of other scripts: the share of the usual characters among those that are not ASCII, and these, the ten most
frequent ones first."""
_MOST_FREQUENT, _FREQUENT_WEIGHT = 10, 0.5
_WESTERN_MARGIN = 0.03
_LEAST_FOREIGN = 0.6
_DECLARED_AS = {
    "iso-8859-1": "windows-1252", "latin-1": "windows-1252", "latin1": "windows-1252", "iso-8859-9": "windows-1254",
    "iso-8859-2": "iso8859-2", "iso-8859-5": "iso8859-5", "iso-8859-7": "iso8859-7", "iso-8859-8": "iso8859-8",
    "iso-8859-15": "iso8859-15", "koi8-r": "koi8-r", "koi8-u": "koi8-u", "shift_jis": "cp932", "shift-jis": "cp932",
    "euc-jp": "euc_jp", "iso-2022-jp": "iso2022_jp", "gb2312": "gb18030", "gbk": "gb18030", "gb18030": "gb18030",
    "big5": "big5", "euc-kr": "cp949", "ks_c_5601-1987": "cp949", "ibm850": "cp850", "macintosh": "mac_roman",
    **{f"windows-{number}": f"windows-{number}" for number in range(1250, 1259)},
}  # fmt: skip
"""Names of encodings that documents give, as the web understands them (encoding.spec.whatwg.org)."""
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_INVISIBLE = re.compile("[\ufeff\xad]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u1161-\u1175\u11a8-\u11c2\u1ab0-\u1aff"
    "\u1dc0-\u1dff\u20d0-\u20ff\u3099\u309a\ufe20-\ufe2f"
)
_LETTER_WITH_MARKS = re.compile(f"[^{_MARKS}][{_MARKS}]{{1,30}}(?![{_MARKS}])")
"""Longer runs of marks stay as they are: the time to put them in order grows with the square of their number."""
_STRANGE = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f\ufffd]")


class DecodedText(NamedTuple):
    """A text, and the encoding that its bytes had, such as "ascii", "utf-8" or "windows-1252".

    strange: the share of characters that no text has, such as control characters, before they were replaced; 0 where
        these are fewer than five.
    """

    text: str
    encoding: str
    strange: float = 0.0


def decode_text(data: bytes, declared: str = "") -> DecodedText:
    """The text of bytes, as `clean_text` makes it, and their encoding.

    Tried in this order: a byte-order mark, UTF-16 without one, UTF-8, the encoding that the document declares, UTF-8
    with a few wrong bytes, and the legacy encoding in which the characters that are not ASCII are the most usual ones
    (windows-1252 if nothing speaks for another).
    declared: the name that the document gives its encoding; empty if it gives none, and unused if unknown.
    """
    text, encoding = _decoded(data, declared.strip().lower())
    return DecodedText(clean_text(text), encoding, _strange_share(text))


def clean_text(text: str) -> str:
    """A text with line feeds as its only line ends, without invisible characters, and with composed accents.

    Control characters become spaces, except tabs; byte-order marks and soft hyphens are left out; what is not a
    character becomes U+FFFD; letters with combining accents become single characters (Unicode's form NFC).
    """
    text = _LINE_ENDS.sub("\n", text)
    text = _CONTROLS.sub(" ", text)
    if text.isascii():
        return text
    text = _SURROGATES.sub("\ufffd", _INVISIBLE.sub("", text))
    return _LETTER_WITH_MARKS.sub(lambda letter: unicodedata.normalize("NFC", letter[0]), text)


def _strange_share(text: str) -> float:
    n = len(_STRANGE.findall(text))
    return n / len(text) if n > 4 else 0.0


def _decoded(data: bytes, declared: str) -> tuple[str, str]:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace"), encoding
    if data.isascii():
        if b"\x1b$" in data and b"\x1b(" in data:
            return data.decode("iso2022_jp", "replace"), "iso2022_jp"
        if b"\0" not in data:
            return data.decode("ascii"), "ascii"
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    two_bytes = "" if text and not _may_be_two_bytes(text) else _two_byte_encoding(data)
    if two_bytes:
        return data.decode(two_bytes, "replace"), two_bytes
    if text:
        return text, "ascii" if data.isascii() else "utf-8"
    if encoding := _DECLARED_AS.get(declared, ""):
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            pass
    if text := _damaged_utf8(data):
        return text, "utf-8"
    encoding = _legacy_encoding(data)
    return data.decode(encoding, "replace"), encoding


def _may_be_two_bytes(text: str) -> bool:
    """Whether valid UTF-8 may be UTF-16 instead: then every second character is that of a code page below 32."""
    sample = text[:_TWO_BYTE_SAMPLE]
    return sample.isascii() and sum(character < " " for character in sample) > _LEAST_PAGES * len(sample)


def _two_byte_encoding(data: bytes) -> str:
    """UTF-16, if spaces, line feeds and digits stand where one of its byte orders has them; else an empty text."""
    sample = data[:_TWO_BYTE_SAMPLE]
    if len(data) % 2 or sample.count(0) <= _LEAST_NULS_OF_TWO_BYTES * len(sample):
        return ""
    found = []
    for encoding in ("utf-16-le", "utf-16-be"):
        text = sample.decode(encoding, "replace")
        if not _strange_share(text) and "\0" not in text:
            found.append((sum(character.isascii() for character in text), encoding))
    return max(found)[1] if found and max(found)[0] else ""


def _damaged_utf8(data: bytes) -> str:
    """The text of UTF-8 in which a few bytes are wrong, which are read as windows-1252; else an empty text."""
    text = data.decode("utf-8", "surrogateescape")
    wrong = _SURROGATES.findall(text)
    sound = sum(not character.isascii() for character in text) - len(wrong)
    if len(wrong) > _TOLERATED * sound:
        return ""
    return _SURROGATES.sub(lambda byte: bytes([ord(byte[0]) - 0xDC00]).decode("cp1252", "replace"), text)


def _legacy_encoding(data: bytes) -> str:
    sample = data[:_TWO_BYTE_SAMPLE]
    foreign = sum(byte > 127 for byte in sample)
    # Latin letters with accents stand alone among others; the bytes of other scripts stand together.
    if 2 * sum(map(len, re.findall(rb"[\x80-\xff]{3,}", sample))) > foreign:
        scores = {
            encoding: min(1.0, _usual_share(sample, encoding, letters) / usual)
            + _FREQUENT_WEIGHT * _usual_share(sample, encoding, letters[:_MOST_FREQUENT])
            for encoding, usual, letters in _FOREIGN_BY_ENCODING
        }
        best = max(scores, key=scores.__getitem__)
        if scores[best] >= _LEAST_FOREIGN:
            return best
    latin = {
        encoding: max(_usual_share(sample, encoding, letters + _PUNCTUATION) for letters in languages)
        for encoding, languages in _LATIN_BY_ENCODING
    }
    best = max(latin, key=latin.__getitem__)
    margin = _WESTERN_MARGIN + 1 / max(1, foreign)
    return best if latin[best] > latin["windows-1252"] + margin else "windows-1252"


def _usual_share(sample: bytes, encoding: str, letters: str) -> float:
    """The share of an encoding's usual characters among those that are not ASCII."""
    text = sample.decode(encoding, "replace")
    foreign = [character for character in text if not character.isascii()]
    usual = set(letters)
    return sum(character in usual for character in foreign) / max(1, len(foreign))
