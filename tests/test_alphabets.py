"""An alphabet other than English's: in texts, and on its way through training, every form of a model, and decoding."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile

from asr_helpers.cli.entry import main
from asr_helpers.corpus import load_corpus
from asr_helpers.export import to_onnx, to_tflite
from asr_helpers.network import alphabet_of, build_model, ctc_loss, pack_targets, rebuild
from asr_helpers.own_data import list_clips
from asr_helpers.recognizer import Recognizer, RecognizerError, stored_alphabet
from asr_helpers.system import TextError
from asr_helpers.text import ALPHABET, ENGLISH, Alphabet, encode, normalize
from asr_helpers.words import (
    FastBeamSearch,
    Fusion,
    LanguageModelError,
    align,
    beam_search,
    estimate,
    greedy,
    log_likelihood,
    read_texts,
    shipped_lm,
)

GERMAN = Alphabet.of_texts(["zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich"])
UKRAINIAN = Alphabet.of_texts(["Щастям б'ють жук їх глицю в фон й ґедзь пріч.", "є"])


def run(capsys, *arguments):
    capsys.readouterr()
    try:
        status = main([str(argument) for argument in arguments])
    except SystemExit as stop:
        status = stop.code
    return (status, *capsys.readouterr())


def test_letters_are_found_in_texts_and_sorted():
    assert GERMAN.characters == " ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÜ"  # ß is SS in capitals
    assert UKRAINIAN.characters == " 'ЄІЇАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧЩЬЮЯҐ"
    assert Alphabet.of_texts(["e\u0301 10 % (!)", "\u00e9"]).characters == " É"  # composed or not: one letter
    with pytest.raises(ValueError, match="not an alphabet"):
        Alphabet.of_texts(["1984", ""])


def test_turkish_has_two_letters_i():
    turkish = Alphabet.of_texts(["ısırgan", "iyi"])
    assert {"I", "İ"} <= set(turkish.characters) and turkish.normalize("iğ ığ".replace("ğ", "r")) == "İR IR"
    assert Alphabet.of_texts(["iyi"]).characters == " IY"


def test_one_turkish_name_changes_no_other_i():
    german = Alphabet.of_texts(["Ich gehe mit", "dann gehe ich", "Herr Aydın bleibt hier", "in İzmir bin ich"])
    assert "İ" not in german.characters
    assert german.normalize("Ich ich İzmir Aydın") == "ICH ICH IZMIR AYDIN"
    assert Alphabet.of_texts(["IŞIK İÇİN ILIK"]).lower("IŞIK İÇİN") == "ışık için"
    assert german.lower("ICH") == "ich"


@pytest.mark.parametrize(
    ("spellings", "characters"),
    [
        (["п'ять", "п\u2019ять", "п\u02bcять"], " 'ПТЬЯ"),
        (["col\u00b7legi", "co\u0140legi"], " CEGILO·"),
        (["ශ්\u200dරී", "ශ්\u200d\u200dරී"], " රශී්\u200d"),
        (["می\u200cخواهم", "\u200cمی\u200cخواهم\u200c"], " اخمهوی\u200c"),
        (["ﺳﻼم", "سـلام"], " اسلم"),
        (["ｶﾞ", "ガ"], " ガ"),
        (["GROẞE", "Große"], " EGORS"),
        (["កា\u200bខ", "កា ខ"], " កខា"),
    ],
    ids=ascii,
)
def test_a_word_has_one_spelling_however_it_is_typed(spellings, characters):
    alphabet = Alphabet.of_texts(spellings)
    assert sorted(alphabet.characters) == sorted(characters)
    assert len({alphabet.normalize(each) for each in spellings}) == 1


def test_ids_may_have_marks(tmp_path):
    folder = tmp_path / "1"
    folder.mkdir()
    for name in ("jose\u0301-1-0000", "\u0905\u092e\u093f\u0924-1-0001"):
        soundfile.write(folder / f"{name}.wav", np.random.default_rng(0).normal(size=4000) / 10, 16000)
    lines = "jos\u00e9-1-0000 HELLO\n\u0905\u092e\u093f\u0924-1-0001 GOOD BYE\n"
    (folder / "x.trans.txt").write_text(lines, encoding="utf-8")
    corpus = load_corpus(tmp_path)
    assert [each.text for each in corpus] == ["HELLO", "GOOD BYE"] and not corpus.problems


def test_a_table_names_files_whichever_way_their_accents_are_written(tmp_path):
    sound = np.random.default_rng(0).normal(size=4000) / 10
    for name in ("jose\u0301.wav", "am\u00e9.wav"):
        soundfile.write(tmp_path / name, sound, 16000)
    files = {"jos\u00e9.wav": "Zo\u00eb", "ame\u0301.wav": "Zoe\u0308"}
    rows = [{"audio_filepath": name, "text": "hello", "speaker": speaker} for name, speaker in files.items()]
    (tmp_path / "m.json").write_text("".join(json.dumps(row) + "\n" for row in rows))
    clips = list_clips(tmp_path / "m.json")[0]
    assert all(clip.path.exists() for clip in clips) and len({clip.speaker for clip in clips}) == 1
    (tmp_path / "m.json").unlink()
    for name in ("jos\u00e9.txt", "am\u00e9.txt"):
        (tmp_path / name).write_text("hello")
    assert [clip.text for clip in list_clips(tmp_path)[0]] == ["hello", "hello"]


def test_normalising_is_what_it_was_in_english_and_composes():
    assert normalize("  don’t\u00a0stop–now ") == "DON'T STOP NOW" == ENGLISH.normalize("don't stop-now")
    assert GERMAN.normalize("gru\u0308ße") == "GRÜSSE"
    with pytest.raises(ValueError, match="A-Z, space, apostrophe"):
        normalize("grün")
    with pytest.raises(ValueError, match=r"ABC.*ÄÖÜ and the space"):
        GERMAN.normalize("señor")


@pytest.mark.parametrize("alphabet", [ENGLISH, GERMAN, UKRAINIAN])
def test_a_models_name_tells_its_alphabet(alphabet):
    assert alphabet.decode(alphabet.encode(alphabet.characters)) == alphabet.characters
    assert Alphabet.of_model_name(alphabet.model_name) == alphabet
    assert alphabet.model_name.isascii()


def test_the_english_model_name_and_order_are_the_contract():
    assert ENGLISH.model_name == "crnn" and encode(ALPHABET).tolist() == list(range(28))


@pytest.mark.parametrize("name", ["crnn", "functional_3", "crnn_2", "crnn-"])
def test_a_name_without_an_alphabet_is_english(name):
    assert Alphabet.of_model_name(name) == ENGLISH


def test_an_alphabet_is_read_from_a_file(tmp_path):
    file = tmp_path / "letters.txt"
    file.write_text("a b c\nö\nB\n", encoding="utf-8")
    assert Alphabet.read(file).characters == " ABCÖ"
    file.write_text("\n")
    with pytest.raises(TextError, match=r"letters.txt.*not an alphabet"):
        Alphabet.read(file)


@pytest.fixture(scope="module")
def german():
    keras.utils.set_random_seed(0)
    model = build_model(1, 16, (4, 8), alphabet=GERMAN)
    features = np.random.default_rng(0).normal(size=(1, 64, 80, 1)).astype(np.float32)
    return model, features


def test_the_model_has_its_alphabets_classes_and_twins_keep_them(german):
    model, features = german
    assert model(features).shape == (1, 16, GERMAN.classes)
    assert alphabet_of(rebuild(model, masked=False)) == GERMAN == alphabet_of(keras.models.clone_model(model))


@pytest.mark.slow
def test_every_form_of_the_model_holds_the_alphabet(german, tmp_path):
    model, features = german
    calibration = [features[0, :, :, 0]]
    model.save(tmp_path / "a.keras")
    again = keras.saving.load_model(tmp_path / "a.keras", safe_mode=True)
    again.save(tmp_path / "again.keras")  # saved by Keras alone, from a program that knows nothing of alphabets
    (tmp_path / "a.tflite").write_bytes(to_tflite(model, "dynamic", calibration))
    (tmp_path / "a.onnx").write_bytes(to_onnx(model, "int8", calibration))
    for name in ("again.keras", "a.tflite", "a.onnx"):
        recognizer = Recognizer.load(tmp_path / name)
        assert recognizer.alphabet == GERMAN
        assert recognizer.log_probs(calibration[0]).shape == (16, GERMAN.classes)
        assert recognizer.log_probs(np.zeros((400, 80))).argmax(axis=1).tolist() == [GERMAN.blank] * 100
    assert stored_alphabet(tmp_path / "again.keras") == GERMAN
    (tmp_path / "no.keras").write_bytes(b"nothing")
    for name in ("no.keras", "gone.keras"):
        with pytest.raises(RecognizerError, match=name):
            stored_alphabet(tmp_path / name)


def test_english_files_are_what_they_were(mini, tmp_path):
    model = build_model(1, 8, (4, 8))
    assert model.name == "crnn"
    assert b"alphabet" not in to_onnx(model, "float32", []) + to_tflite(model, "float32", [])
    models = mini.parent / "models"
    assert Recognizer.load(models / "crnn.fast.onnx").alphabet == stored_alphabet(models / "crnn.keras") == ENGLISH


@pytest.mark.slow
def test_a_language_model_is_of_the_models_letters(tmp_path, capsys):
    text, ukrainian = tmp_path / "de.txt", tmp_path / "uk.arpa"
    text.write_text("zwölf Grüße\nzwölf Bären\n", encoding="utf-8")
    status, _, err = run(capsys, "lm", text, "--out", tmp_path / "de.arpa")
    assert status == 2 and "A-Z" in err
    for alphabet in ("auto", tmp_path / "de.keras"):
        build_model(1, 8, (4, 8), alphabet=GERMAN).save(tmp_path / "de.keras")
        assert run(capsys, "lm", text, "--out", tmp_path / "de.arpa", "--alphabet", alphabet)[0] == 0
    hesitant = np.logaddexp(sure_of("ZWÖLF GRÜXSE", GERMAN), sure_of("ZWÖLF GRÜSSE", GERMAN) - 0.1) - np.log(1.9)
    assert greedy(hesitant, GERMAN) == "ZWÖLF GRÜXSE"
    assert FastBeamSearch(tmp_path / "de.arpa", alphabet=GERMAN)(hesitant)[0].text == "ZWÖLF GRÜSSE"
    (tmp_path / "uk.txt").write_text("Щастям б'ють жук\n", encoding="utf-8")
    assert run(capsys, "lm", tmp_path / "uk.txt", "--out", ukrainian, "--alphabet", "auto")[0] == 0
    with pytest.raises(ValueError, match=r"uk.arpa: 3 of its 3 words.*cannot be spelt") as caught:
        FastBeamSearch(ukrainian, alphabet=GERMAN)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.slow
def test_a_language_model_of_another_language_is_refused(mini, tmp_path):
    """An English one can be spelt with German letters: what tells is the letters that it never writes."""
    harbour = estimate(text for _, _, text in read_texts(mini / "train-mini"))
    german = estimate(["ZWÖLF GROSSE BÄREN ESSEN ÖL", "FÜNF ÄRZTE ÜBEN", "DIE TÜR GEHT AUF"])
    for lm, alphabet, names in ((harbour, GERMAN, "Ä Ö Ü"), (german, ENGLISH, "of its 12 words, such as")):
        lm.write(tmp_path / "other.arpa")
        ways = (
            lambda lm=lm, alphabet=alphabet: Fusion(lm, alphabet=alphabet),
            lambda alphabet=alphabet: FastBeamSearch(tmp_path / "other.arpa", alphabet=alphabet),
        )
        for way in ways:
            with pytest.raises(LanguageModelError, match=f"(other.arpa|the language model): .*{names}") as caught:
                way()
            assert "asr lm" in str(caught.value) and len(str(caught.value).splitlines()) == 1
    with pytest.raises(LanguageModelError, match=r"english.*Ä Ö Ü.*asr lm"):
        FastBeamSearch(shipped_lm(), alphabet=GERMAN)
    with pytest.raises(ValueError, match="other letters"):
        beam_search(sure_of("BÄR", GERMAN), fusion=Fusion(harbour), alphabet=GERMAN)


def test_a_small_language_model_may_do_without_a_letter():
    log_probs = sure_of("JA NEIN", GERMAN)
    fusion = Fusion(estimate(["JA", "NEIN"]), alphabet=GERMAN)
    assert beam_search(log_probs, fusion=fusion, alphabet=GERMAN)[0].text == "JA NEIN"
    Fusion(estimate(["ONE CAFÉ", *["A B C D E F G H I J K"]]))  # one foreign word among many is none too many


def sure_of(text, alphabet):
    labels = alphabet.encode(text)
    path = np.stack([labels, np.full(len(labels), alphabet.blank)], 1).ravel()
    return np.log(0.9 * np.eye(alphabet.classes)[path] + 0.1 / alphabet.classes)


@pytest.mark.parametrize(("alphabet", "text"), [(GERMAN, "ZWÖLF GRÜSSE"), (UKRAINIAN, "Б'ЮТЬ ЇХ ҐЕДЗЬ")])
def test_decoders_alignment_and_loss_follow(alphabet, text):
    log_probs = sure_of(text, alphabet)
    assert greedy(log_probs, alphabet) == text
    assert beam_search(log_probs, 8, alphabet=alphabet)[0].text == text
    assert FastBeamSearch(width=8, alphabet=alphabet)(log_probs)[0].text == text
    assert [word.text for word in align(log_probs, text, alphabet=alphabet)] == text.split()
    labels = alphabet.encode(text)
    loss = ctc_loss(pack_targets([labels], [len(log_probs)]), log_probs[None].astype(np.float32))
    assert float(loss[0]) == pytest.approx(-log_likelihood(log_probs, labels) / len(labels), rel=1e-4)
    with pytest.raises(ValueError, match="log_probs has shape"):
        greedy(log_probs)


@pytest.fixture
def corpus(tmp_path):
    """Four clips of noise that are said to be German, one with a number."""
    folder = tmp_path / "de" / "1" / "1"
    folder.mkdir(parents=True)
    texts = ["zwölf große Bären", "über Öl", "Zimt", "Gleis 9"]
    for number in range(4):
        noise = np.random.default_rng(number).normal(size=32000) / 10
        soundfile.write(folder / f"1-1-{number:04}.flac", noise, 16000)
    lines = "".join(f"1-1-{number:04} {text}\n" for number, text in enumerate(texts))
    (folder / "1-1.trans.txt").write_text(lines, encoding="utf-8")
    return tmp_path / "de"


def test_a_corpus_is_read_in_its_alphabet(corpus):
    found = load_corpus(corpus, alphabet=GERMAN)
    assert [each.text for each in found] == ["ZWÖLF GROSSE BÄREN", "ÜBER ÖL", "ZIMT"]
    assert "'9' is outside the alphabet" in found.problems[0]
    assert [each.text for each in load_corpus(corpus)] == ["ZIMT"]


@pytest.mark.slow
def test_train_go_on_evaluate_quantize_transcribe(corpus, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("ASR_PROFILE", "ci")
    found, folder = Alphabet.of_texts(["zwölf große Bären über Öl Zimt Gleis"]), tmp_path / "run"
    train = ["train", "--train", corpus, "--valid", corpus, "--run", folder, "--epochs"]
    assert run(capsys, *train, 1, "--alphabet", "auto")[0] == 0
    assert stored_alphabet(folder / "best.keras") == found
    status, out, _ = run(capsys, *train, 2, "--resume")
    assert status == 0 and "3 of 4 utterances" in out
    (tmp_path / "abc.txt").write_text("abcdefghijklmnopqrstuvwxyzäöü")
    status, _, err = run(capsys, *train, 3, "--resume", "--alphabet", tmp_path / "abc.txt")
    assert status == 2 and "another alphabet" in err
    start = [*train[:-2], tmp_path / "more", "--epochs", 1, "--start", folder / "best.keras"]
    status, _, err = run(capsys, *start, "--alphabet", tmp_path / "abc.txt")
    assert status == 2 and "best.keras: writes" in err

    status, out, _ = run(capsys, "evaluate", folder / "best.keras", corpus, "--json")
    assert status == 0 and json.loads(out)["utterances"] == 3
    clip = next(Path(corpus).rglob("*0.flac"))
    assert run(capsys, "transcribe", clip, "--model", folder / "best.keras", "--format", "json")[0] == 0
    _, out, _ = run(capsys, "align", clip, "Bär über Öl", "--model", folder / "best.keras")  # it has learnt little
    assert [line.split()[4] for line in out.splitlines()] == ["BÄR", "ÜBER", "ÖL"]
