"""A speech recogniser in rooms, along the way from sound to words. Each room's `__init__` lists its public names.

**The afternoon route**, sixteen files that a learner reads in this order: text → sound/audio → sound/speech →
sound/mel → sound/effects → network/model → words/ctc_lattice → network/loss → batches/pipeline → training/profiles →
training/fit → words/greedy_decoding → words/prefix_beam_search → words/fusion → words/ngram → recognizer/recognizer.

Who may import whom; `tests/test_house.py` reads this table, and nothing imports upward:

| room | may import |
|---|---|
| system | |
| text | system |
| sound | system |
| corpus | sound, text, system |
| network | sound, text, system |
| pretrained | sound, text, system |
| words | corpus, sound, text, system |
| own_data | corpus, sound, text, system |
| export | network, sound, text, system |
| batches | words, corpus, sound, text, system |
| recognizer | words, corpus, network, sound, text, system |
| live | recognizer, words, corpus, sound, text, system |
| training | batches, words, corpus, network, sound, text, system |
| web | recognizer, export, words, corpus, network, sound, text, system |
| show | live, recognizer, words, own_data, corpus, network, sound, text, system |
| teaching | recognizer, training, batches, words, own_data, corpus, network, sound, text, system |
| cli | teaching, training, web, show, live, recognizer, batches, export, words, own_data, corpus, network, sound, text, system |

Names in code are spelt the American way (`normalize`, `Recognizer`), prose the British.
"""  # noqa: E501

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's start-up messages; warnings and errors stay
