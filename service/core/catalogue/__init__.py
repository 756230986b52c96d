"""The one declaration of every measure, histogram, KPI and metric.

A *measure* is an integer that interactions contribute and rollups add up: a count, or a sum of microseconds.
A *histogram* is a set of durations from which buckets, quantiles and maxima are made. A *KPI* is a formula over
measures and histograms. A *metric* is how a measure or a histogram appears to Prometheus. The exporter, the query
API, the tables and the documentation are all read from here.
"""
