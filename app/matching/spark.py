"""Matching on Apache Spark, for more records than one machine takes: the same keys, scorer and clustering, so the same groups.

Needs the extra ``maillage[spark]`` and Java; on a cluster, Maillage is installed where Spark's Python runs. Words are counted and linked
records are gathered into parts by the driver, which holds a pair of numbers for each match; all else is spread.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from app.matching.bulk import grouped
from app.matching.cluster import Constraints
from app.matching.crew import totalled
from app.matching.features import Features
from app.matching.keys import FULL, keys
from app.matching.linking import components
from app.matching.score import MATCH, Subject
from app.matching.statistics import Counting, Statistics
from app.matching.weights import Weights

Row: TypeAlias = Mapping[str, Any]
Frames: TypeAlias = Iterable[pd.DataFrame]

_FORM: Final = "number long, id string, reference string, form string"


def session(master: str | None = None) -> SparkSession:
    """Open Spark as its own settings say, or at `master`: ``local[2]`` is two cores of this machine."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("maillage merge")
    if master:
        builder = builder.master(master).config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "4")
    return builder.getOrCreate()


def match(
    spark: SparkSession,
    records: DataFrame,
    form_of: Callable[[Row], tuple[str, Features]],
    weights: Weights = Weights(),  # noqa: B008 - frozen
) -> DataFrame:
    """Match records with a column `id`; `form_of` gives a row's reference ``source/key`` and normal form. Return columns `id`, `cluster`.

    A cluster is named by the id of its first record.
    """
    forms = _forms(spark, records, form_of).persist()
    statistics, posting = _filed(forms, replace(_counted(forms), weights=weights))
    scores = _scores(forms, _candidates(posting), statistics).persist()
    parts = _parts(spark, scores)
    of_left = parts.select(f.col("number").alias("left"), f.col("part").alias("of"))
    clusters = _clusters(forms.join(parts, "number"), scores.join(of_left, "left"), statistics)
    alone = forms.join(parts, "number", "left_anti").select("id", f.col("id").alias("cluster"))
    return clusters.unionByName(alone)


def _forms(spark: SparkSession, records: DataFrame, form_of: Callable[[Row], tuple[str, Features]]) -> DataFrame:
    """Return the normal forms, numbered."""

    def normal(numbered: tuple[Any, int]) -> tuple[int, str, str, str]:
        row, number = numbered
        reference, form = form_of(row.asDict())
        return number, str(row["id"]), reference, form.as_json()

    return spark.createDataFrame(records.orderBy("id").rdd.zipWithIndex().map(normal), _FORM)


def _counted(forms: DataFrame) -> Statistics:
    """Count words and contacts."""
    counting = Counting()
    for row in forms.select("reference", "form").toLocalIterator():
        counting.add(Features.from_json(row["form"]), row["reference"])
    return counting.counted()


def _filed(forms: DataFrame, statistics: Statistics) -> tuple[Statistics, DataFrame]:
    """File records under their keys until none is full; return the statistics with those that were, and the table of keys."""
    while True:
        posting = forms.mapInPandas(_keyed(statistics), "number long, key long").persist()
        full = posting.groupBy("key").count().where(f.col("count") > FULL).select("key").collect()
        if not full:
            return statistics, posting
        posting.unpersist()
        statistics = replace(statistics, full=statistics.full | {row["key"] for row in full})


def _keyed(statistics: Statistics) -> Callable[[Frames], Iterator[pd.DataFrame]]:
    def keyed(frames: Frames) -> Iterator[pd.DataFrame]:
        for frame in frames:
            rows = zip(frame["number"], frame["reference"], frame["form"], strict=True)
            found = [(number, key) for number, reference, form in rows for key in keys(Features.from_json(form), reference, statistics)]
            yield pd.DataFrame(found, columns=["number", "key"])

    return keyed


def _candidates(posting: DataFrame) -> DataFrame:
    """Return the pairs that share a key that identifies, or two keys; the same rule as in DuckDB."""
    mine = posting.select(f.col("number").alias("left"), "key")
    theirs = posting.select(f.col("number").alias("right"), "key")
    together = mine.join(theirs, "key").where("left < right").groupBy("left", "right")
    return together.agg(f.count("*").alias("shared"), f.max(f.col("key").bitwiseAND(1)).alias("one")).where("shared > 1 or one = 1")


def _scores(forms: DataFrame, candidates: DataFrame, statistics: Statistics) -> DataFrame:
    """Return the pairs that reach REVIEW, with their scores."""
    told = {side: forms.select(f.col("number").alias(side), *(f.col(name).alias(f"{side}_{name}") for name in _TOLD)) for side in _SIDES}
    joined = candidates.select(*_SIDES).join(told["left"], "left").join(told["right"], "right")

    def scored(frames: Frames) -> Iterator[pd.DataFrame]:
        for frame in frames:
            subjects: dict[int, Subject] = {}
            for side in _SIDES:
                rows = zip(frame[side], *(frame[f"{side}_{name}"] for name in _TOLD), strict=True)
                fresh = {number: told for number, *told in rows if number not in subjects}
                subjects.update({number: _subject(statistics, *told) for number, told in fresh.items()})
            nearby: dict[int, list[int]] = {}
            for left, right in zip(frame["left"], frame["right"], strict=True):
                nearby.setdefault(left, []).append(right)
            found = totalled(subjects, nearby, statistics)
            yield pd.DataFrame([(*pair, summed) for pair, summed in found.items()], columns=["left", "right", "score"])

    return joined.mapInPandas(scored, "left long, right long, score double")


def _parts(spark: SparkSession, scores: DataFrame) -> DataFrame:
    """Number the sets of records that matches link; records that none links are left out."""
    pairs = [(row["left"], row["right"]) for row in scores.where(f.col("score") >= MATCH).toLocalIterator()]
    parts = components({number for pair in pairs for number in pair}, pairs)
    return spark.createDataFrame([(number, place) for place, part in enumerate(parts) for number in part], "number long, part long")


def _clusters(forms: DataFrame, scores: DataFrame, statistics: Statistics) -> DataFrame:
    """Cluster each part by itself."""

    def clustered(members: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
        rows = zip(members["number"], members["reference"], members["form"], strict=True)
        told = {number: (reference, Features.from_json(form)) for number, reference, form in sorted(rows)}
        known = {
            (left, right): score
            for left, right, score in zip(pairs["left"], pairs["right"], pairs["score"], strict=True)
            if left in told and right in told
        }
        names = dict(zip(members["number"], members["id"], strict=True))
        groups = grouped(told, known, Constraints(), statistics).groups
        return pd.DataFrame([(names[one], names[min(group)]) for group in groups for one in group], columns=["id", "cluster"])

    return forms.groupBy("part").cogroup(scores.groupBy("of")).applyInPandas(clustered, "id string, cluster string")


def _subject(statistics: Statistics, reference: str, form: str) -> Subject:
    """Make a record ready for comparisons."""
    return Subject(Features.from_json(form), statistics, reference)


_SIDES: Final = ("left", "right")
_TOLD: Final = ("reference", "form")
