from asr_helpers.cli import script

script()
