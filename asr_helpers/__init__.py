"""Helpers of the speech-recognition notebooks. Ground floor first: a module imports only from those before it.

text, files, processes, containers, corpus, features, augment, metrics, records, pipeline, model, fast_lstm, ctc,
decoding, training, export, recognizer, plots, widgets, cli.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's start-up chatter; warnings and errors stay
