"""The comparisons: each figure beside its peer, measured in one run (`python -m benchmarks`)."""
