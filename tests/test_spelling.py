"""Written text in many languages becomes what was said, or is left out: numbers, marks of any script, language tags."""

import re

import pytest

from asr_helpers.own_data import spell_out, spoken
from asr_helpers.own_data.numerals import LanguageError, SpellingError, language_tag

SAID = [
    ("in the 1990s", "en", "IN THE NINETEEN NINETIES"),
    ("the '90s, the 1800s", "en", "THE NINETIES THE EIGHTEEN HUNDREDS"),
    ("THE 4TH OF JULY, 1ST PLACE", "en", "THE FOURTH OF JULY FIRST PLACE"),
    ("the 11th and 22nd", "en", "THE ELEVENTH AND TWENTY SECOND"),
    ("2.0", "en", "TWO POINT ZERO"),
    ("-5 or \u22120.5", "en", "MINUS FIVE OR MINUS ZERO POINT FIVE"),
    ("yes \u2014 5", "en", "YES FIVE"),
    ("a 5-year-old's Covid-19", "en", "A FIVE YEAR OLD'S COVID NINETEEN"),
    ("1\u00a0000", "en", "ONE THOUSAND"),
    ("\uff11\uff12", "en", "TWELVE"),
    ("es waren -4,7 Grad", "de", "ES WAREN MINUS VIER KOMMA SIEBEN GRAD"),
    ("10\u00a0000 Euro um 1984.", "de", "ZEHNTAUSEND EURO UM NEUNZEHNHUNDERTVIERUNDACHTZIG"),
    ("1\u2019234.5", "de-CH", "EINTAUSENDZWEIHUNDERTVIERUNDDREISSIG KOMMA FÜNF"),
    ("1 000 000 de gens", "fr", "UN MILLION DE GENS"),
    ("1\u202f000\u00a0ans, 5\u00a0ans", "fr", "MILLE ANS CINQ ANS"),
    ("1 000 lat, 2,5", "pl", "TYSIĄC LAT DWA PRZECINEK PIĘĆ"),
    ("1,5 y 1.500", "es", "UNO COMA CINCO Y MIL QUINIENTOS"),
    ("1.5", "es-MX", "UNO PUNTO CINCO"),
    ("l'11 settembre", "it", "L'UNDICI SETTEMBRE"),
    ("\u0663", "ar", "ثلاثة"),
    ("1,234.5", "en-US", "ONE THOUSAND TWO HUNDRED AND THIRTY FOUR POINT FIVE"),
    ("café & bar", "EN", "CAFE AND BAR"),
    ("ılık iç", "tr_TR", "ILIK İÇ"),
    ("don\u02bct, don\u00b4t", "en", "DON'T DON'T"),
    ("so\u00adft\u2060\ufeff he\u200bllo \u200f(x)", "en", "SOFT HELLO X"),
    ("\ufb01ne", "en", "FINE"),
    ("مرحبا، كيف؟", "ar", "مرحبا كيف"),
    ("شکریہ۔", "ur", "شکریہ"),
    ("नमस्ते।", "hi", "नमस्ते"),
    ("你好，世界。", "zh", "你好 世界"),
    ("今日は、いい。", "ja", "今日は いい"),
    ("ναι· όχι", "el", "ΝΑΙ ΌΧΙ"),
    ("שלום־עולם", "he", "שלום עולם"),
    ("Ի՞նչ, այո։", "hy", "ԻՆՉ ԱՅՈ"),
    ("می\u200cخواهم", "fa", "می\u200cخواهم"),
    ("col\u00b7legi, co\u0140legi", "ca", "COL·LEGI COL·LEGI"),
    ("GROẞE große", "de", "GROSSE GROSSE"),
]


@pytest.mark.parametrize(("text", "language", "words"), SAID)
def test_what_was_said(text, language, words):
    assert spell_out(text, language)[0] == words


LEFT_OUT = [
    ("1 000 000", "en"),
    ("555 123 456", "en"),
    ("12 345", "de"),
    ("5-7", "en"),
    ("1914 \u2013 1918", "en"),
    ("10 -5", "en"),
    ("10:30", "en"),
    ("5km", "en"),
    ("MP3", "en"),
    ("2st", "en"),
    ("5s", "en"),
    ("1,5", "en"),
    ("1.2.3", "en"),
    (".5", "en"),
    ("5'10\"", "en"),
    ("x\u00b2", "de"),
    ("\u00bd", "de"),
    ("1.5", "de"),
    ("am 5. Mai", "de"),
    ("50 %", "de"),
    ("1er", "fr"),
    ("étudiant\u00b7e\u00b7s", "fr"),
    ("1ª vez", "pt"),
    ("Nº 5", "es"),
    ("5-го", "ru"),
    ("1984", "sv"),
    ("1 000", "sv"),
    ("-5", "pl"),
    ("2,50", "pl"),
    ("2,5", "it"),
    ("5本", "ja"),
    ("5", "fil"),
    ("50\u066a", "ar"),
    ("\uff20", "zh"),
    ("ok \u2764\ufe0f", "de"),
]


@pytest.mark.parametrize(("text", "language"), LEFT_OUT)
def test_what_may_be_read_otherwise_is_left_out(text, language):
    with pytest.raises(SpellingError):
        spell_out(text, language)


def test_language_tags():
    assert [language_tag(name) for name in ("en-US", "EN", "pt_br", "zh-Hant-TW", "fil")] == [
        "en_US",
        "en",
        "pt_BR",
        "zh_TW",
        "fil",
    ]
    for name in ("english", "", "e", "en US", "../en", "eng"):
        with pytest.raises(LanguageError, match=re.escape(repr(name))):
            spell_out("hello", name)


@pytest.mark.parametrize("written", ["5km", "1 000 -5", "\u0663", "1:05", "½", "'", "9" * 400, "5'10\"", "12.5.2020"])
def test_a_recognisers_output_is_never_refused(written):
    assert isinstance(spoken(written), str)
