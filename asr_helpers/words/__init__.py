"""From log-probabilities to words: search, language model, alignment and error rates.

In order of concepts: `ctc_lattice` sums over alignments; `greedy_decoding` takes the best one;
`prefix_beam_search` finds the best text; `fusion` adds a language model to its score; `ngram` is that model
(`kneser_ney` estimates it, `arpa` and `packed` store it, `pruning` makes it smaller, `hotwords` adds names to it);
`fast` is the same search compiled. Notebook 05 builds the lattice and greedy decoding in the open, notebook 07 the
rest."""

from asr_helpers.system.faces import face

__all__, __getattr__, __dir__ = face(
    __name__,
    {
        "alignment": [
            "AlignmentError",
            "FRAME_SECONDS",
            "MISSING_THRESHOLD",
            "Word",
            "align",
            "ctm",
            "missing_words",
            "pronunciation_scores",
            "unsaid_words",
            "viterbi",
        ],
        "arguments": ["DecodingError", "check_letters"],
        "arpa": ["LanguageModelError"],
        "captions": ["Caption", "json_line", "split_captions", "srt", "tab_lines", "vtt"],
        "confidence": ["DOUBTFUL", "PLATT", "default_kind", "doubtful", "probability", "with_probability"],
        "ctc_lattice": ["ctc_states", "lattice", "log_likelihood", "min_frames"],
        "decoders": ["FastBeamSearch", "HYPOTHESES", "best_text", "default_decoder", "shipped_lm"],
        "fusion": ["Fusion", "LETTER_BONUS", "LMState", "UNKNOWN_LETTER", "WEIGHT", "WORD_BONUS", "spellable"],
        "greedy_decoding": ["collapse", "greedy"],
        "hotwords": ["BOOST", "HOTWORD_MIN_LOG_PROB", "Hotwords", "boosted", "phrase_boosts", "read_hotwords"],
        "kneser_ney": ["KneserNey", "Order", "estimate"],
        "metrics": ["ErrorRate", "character_errors", "paired_difference", "score", "word_errors"],
        "ngram": ["END", "LN10", "NGram", "NO_LM", "START", "UNKNOWN"],
        "packed": ["NGramTrie", "pack", "read_packed"],
        "prefix_beam_search": ["BEAM_MARGIN", "BEAM_WIDTH", "Hypothesis", "MIN_LOG_PROB", "advance", "beam_search"],
        "pruning": ["prune", "read_trie"],
        "sentences": ["read_sentences", "read_texts"],
    },
)
