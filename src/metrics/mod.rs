//! Counters and histograms, one set per core, merged only when read.
