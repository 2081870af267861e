"""A guess at the language of a text, by its script and its commonest short words.

It serves to see whether the languages of a dataset follow its classes; a text is left without a guess where it is
short, or where two languages are about as likely.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_READ_WORDS = 400
_LEAST_HITS, _LEAST_SHARE = 3, 0.1
"""A language is named from three of its words on, which are a tenth of all; running text has a quarter to a half."""
_AHEAD, _AHEAD_SHARE = 2, 0.08
"""It is also two words ahead of the second language, and in longer texts by this share of its own."""
_SCRIPTS = (
    ("el", "\u0370-\u03ff\u1f00-\u1fff"), ("he", "\u0590-\u05ff"), ("th", "\u0e00-\u0e7f"), ("ko", "\uac00-\ud7a3"),
    ("ja", "\u3040-\u30ff"), ("zh", "\u4e00-\u9fff"), ("hi", "\u0900-\u097f"), ("ar", "\u0600-\u06ff"),
    ("ka", "\u10a0-\u10ff"), ("hy", "\u0530-\u058f"),
)  # fmt: skip
_SCRIPT_PATTERNS = tuple((language, re.compile(f"[{letters}]")) for language, letters in _SCRIPTS)
_NOT_ARABIC = re.compile("[پچژگکیٹڈںے]")
"""Letters of Persian and Urdu."""
_LETTER = re.compile(r"[^\W\d_]")
_LEAST_LETTERS, _MOST_NOT_ARABIC = 4, 0.02
_STOP_WORDS = {
    "en": "the of and to a in is that it for was with as on be are this by have not you from at or an they which do no "
    "so he can",
    "de": "der die das und ist nicht ein eine zu den mit sich auf für dem von des auch es im ich sie wird sind bei wie "
    "werden oder zum zur",
    "fr": "le la les de des du et est un une dans que qui pour pas sur au ce il avec plus ne par sont en je vous ou "
    "aux cette être",
    "es": "el la los las de que y en un una es por con no para se del al lo como más su o pero este está son yo muy "
    "ser",
    "it": "il la di che e un una è per non con del della sono in si le i da al lo gli dei come più nel anche ma questo "
    "alla",
    "pt": "o a os as de que e em um uma é para com não do da no na por se mais dos das como ao ou são foi você seu",
    "nl": "de het een en van is in dat op te niet voor met zijn aan die er ook als maar om bij wordt naar worden deze "
    "of dit ik",
    "sv": "och att det som en är på av för med den till inte om ett har de jag var från eller kan ska vi så du kommer",
    "da": "og at det som en er på af for med den til ikke om et har de jeg var fra eller kan skal vi så du blev mig "
    "efter",
    "no": "og at det som en er på av for med den til ikke om et har de jeg var fra eller kan skal vi så du ble meg "
    "etter",
    "fi": "ja on ei se että oli mutta kun niin ovat myös hän tai joka sen ole voi mitä jos minä kuin sekä nyt vain",
    "pl": "i w na z się nie jest do że to o jak ale po za od przez dla są może być tego lub jego który już tylko czy",
    "cs": "a se v na je že to s z do o i ale jako za po jsou pro by tak byl nebo k jeho které může už jen není není",
    "sk": "a sa v na je že to s z do o aj ale ako za po sú pre by tak bol alebo k jeho ktoré môže už len nie čo",
    "hu": "a az és hogy nem is egy ez van meg de csak ha vagy mint el ki már volt azt még minden kell lehet ezt sem",
    "ro": "și de în la cu a că nu este o pe un din care pentru mai sau ca sunt prin se fi al ale fost după dar si",
    "hr": "i je u se na da su za od ne s ili kao što to koji bi ali iz po biti te samo može ako nije sve",
    "tr": "ve bir bu da de için ile çok ne olarak daha gibi olan ama en o var kadar değil mi ya her veya sonra",
    "ca": "el la els les de que i en un una és per amb no del al com més o però aquest està són va ha seu dels aquesta",
    "et": "ja on ei see et oli aga kui ka ta või mis ning oma seda nii võib siis mida kes selle ole saab",
    "ru": "и в не на что я с он как это по но все она так его за был от то же вы из у мы для или если есть",
    "uk": "і в не на що я з він як це по але все вона так його за був від та ви із у ми для або якщо є до",
    "bg": "и в не на че аз с той като това по но от се да за е са ще или ако има до при тази които",
    "sr": "и је у се на да су за од не с или као што то који би али из по бити",
}  # fmt: skip
"""About thirty of the commonest short words of each language, in its own spelling."""
_LANGUAGES_OF: dict[str, list[str]] = {}
for _language, _words in _STOP_WORDS.items():
    for _word in set(_words.split()):
        _LANGUAGES_OF.setdefault(_word, []).append(_language)


def language_of(words: Sequence[str]) -> str:
    """The language of a text by its words in lower case, as ISO 639-1; empty if unsure."""
    some = words[:_READ_WORDS]
    if script := _by_script("".join(some)):
        return script
    hits = dict.fromkeys(_STOP_WORDS, 0)
    for word in some:
        for language in _LANGUAGES_OF.get(word, ()):
            hits[language] += 1
    best, second = sorted(hits, key=hits.__getitem__, reverse=True)[:2]
    enough = hits[best] >= max(_LEAST_HITS, _LEAST_SHARE * len(some))
    return best if enough and hits[best] - hits[second] >= max(_AHEAD, _AHEAD_SHARE * hits[best]) else ""


def _by_script(letters: str) -> str:
    """The language whose script, which no other common language has, has most of the letters; else an empty text."""
    n = len(_LETTER.findall(letters))
    if n < _LEAST_LETTERS or letters.isascii():
        return ""
    shares = {language: len(pattern.findall(letters)) / n for language, pattern in _SCRIPT_PATTERNS}
    if shares["ja"] > 0.1 and shares["ja"] + shares["zh"] > 0.5:  # Japanese mixes kana and Chinese characters
        return "ja"
    best = max(shares, key=shares.__getitem__)
    if best == "ar" and len(_NOT_ARABIC.findall(letters)) > _MOST_NOT_ARABIC * n:
        return ""
    return best if shares[best] > 0.5 else ""
