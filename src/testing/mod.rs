//! Simulator, transcripts, models, tidy.
