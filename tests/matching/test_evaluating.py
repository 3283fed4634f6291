"""`merge --evaluate`: figures that anybody can repeat on a file, and files that are not what they should be."""

import csv
from pathlib import Path

import pytest

from app.errors import BadRequest
from app.matching.evaluating import examples, grouped, half, report
from app.matching.reading import read
from tests.matching.traps import FIELDS, rows


@pytest.fixture
def traps(tmp_path: Path) -> Path:
    """The traps as a file such as anybody may make: a mark at its start, semicolons, columns in another order."""
    path = tmp_path / "gold.csv"
    columns = ["entity", *reversed(FIELDS), "source", "id"]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, columns, delimiter=";", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows())
    return path


def test_the_figures_are_those_of_the_groups(traps: Path) -> None:
    """Precision, recall and F1 are counted in pairs; every record has a group; truth that is wrong shows as errors with their reasons."""
    table = read(traps)
    grouping = grouped(table.rows)
    right = report(grouping, 5, learnt=True)
    assert (right.records, right.pairs, right.quality.f1, right.wrong_pairs, right.biggest_wrong) == (len([*rows()]), 81, 1.0, 0, 0)
    assert len(right.learnt) == 2
    assert {half(row.entity) for row in table.rows} == {0, 1}
    for row in table.rows[1:3]:
        object.__setattr__(row, "entity", "another")
    wrong = report(grouping, 5, learnt=False)
    assert wrong.quality.recall < 1
    assert wrong.wrong_pairs == len(wrong.wrong) or len(wrong.wrong) == 5
    assert all(
        one.reasons and one.score == pytest.approx(sum(reason.weight for reason in one.reasons), abs=0.01) for one in wrong.wrong + wrong.missed
    )


def test_truth_is_never_matched(traps: Path) -> None:
    """Whatever stands in `entity`, the groups are the same."""
    first, second = read(traps), read(traps)
    for number, row in enumerate(second.rows):
        object.__setattr__(row, "entity", str(number % 3))
    assert grouped(first.rows).groups == grouped(second.rows).groups
    assert sum(same for _, same in examples(first.rows)) >= 70


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,entity\nA,1\n", "id is missing (row 1)"),
        ("", "is missing (row 1)"),
        ("id,name,name\n1,A,B\n", "named twice"),
        ("id,name\n1,A\n2,B\n1,C\n", "Row 4: the id '1' is in row 2 already."),
        ("id,name\n,A\n", "Row 2: the id is empty."),
        ("id,name,entity\n1,A,\n", "Row 2: 'entity' is empty."),
        ("id,name\n1,A,B\n", "Row 2: there are more values than columns."),
        (f"id,name\n1,{'a' * 20_000}\n", "Row 2: a value has more than 10000 characters."),
        (f"id,name\n1,{'a' * 200_000}\n", "Row 2: this is not CSV"),
    ],
)
def test_a_file_that_is_not_such_a_table_is_refused_with_its_row(text: str, said: str, tmp_path: Path) -> None:
    """What is wrong is said in one sentence that names the row."""
    path = tmp_path / "gold.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(BadRequest) as error:
        read(path)
    assert said in error.value.text.en


def test_what_is_odd_about_a_row_is_said_and_the_row_is_read(tmp_path: Path) -> None:
    """A coordinate that is no number and a name that is empty are remarks; so is a column that nobody knows."""
    path = tmp_path / "gold.csv"
    path.write_text("ID;Name;lat;lon;colour\n1;;48,1;2,1\n2;B;north;2;red\n\n", "utf-8")
    table = read(path)
    assert [remark.en for remark in table.remarks] == [
        "The column 'colour' is not used.",
        "Row 2: the name is empty.",
        "Row 3: lat is not a number ('north').",
    ]
    assert [row.document.get("location") for row in table.rows] == [[{"latitude": "48,1", "longitude": "2,1"}], [{"longitude": "2"}]]
    assert not table.has_truth


def test_a_file_in_another_encoding_or_absent_is_refused(tmp_path: Path) -> None:
    """The sentence says what to do."""
    path = tmp_path / "gold.csv"
    path.write_bytes("id,name\n1,Café\n".encode("cp1252"))
    with pytest.raises(BadRequest, match="UTF-8"):
        read(path)
    with pytest.raises(BadRequest, match="cannot be read"):
        read(tmp_path / "none.csv")
