"""What others would do instead: what the benchmarks hold Frontline against, each as good as it can be."""
