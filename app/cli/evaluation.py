"""`merge --evaluate`: how true the groups of a file are, whose truth is known. It needs no node and writes to none."""

import csv
from pathlib import Path

from app.cli.speech import language, one_line, out, print_json, say, tell
from app.errors import BadRequest, OutputFailed, Text, why
from app.matching.evaluating import LEARNT_AT_ONCE, Grouping, Mistake, Quality, Report, grouped, report
from app.matching.explain import label
from app.matching.reading import read

REMARKS = 5
"""Remarks on a file that are told one by one."""

REASONS = 6
"""Reasons of an error that are told, the heaviest."""


def evaluate(path: Path, clusters: Path | None, errors: int, learn: bool, as_json: bool, processes: int = 1) -> None:
    """Match the records of a CSV file, and compare with its truth. Raises BadRequest when it cannot be read or holds no truth."""
    table = read(path)
    for remark in table.remarks[:REMARKS]:
        tell(remark.fr, remark.en)
    if len(table.remarks) > REMARKS:
        more = len(table.remarks) - REMARKS
        tell(f"… et {more} autres remarques.", f"… and {more} more remarks.")
    if not table.has_truth and clusters is None:
        raise BadRequest(
            Text(
                "Sans colonne « entity » il n'y a rien à évaluer : ajoutez-la, ou demandez seulement les groupes avec --clusters.",
                "Without a column 'entity' there is nothing to evaluate: add it, or ask for the groups only, with --clusters.",
            )
        )
    grouping = grouped(table.rows, processes=processes)
    if clusters is not None:
        _write(grouping, clusters)
    if not table.has_truth:
        return
    found = report(grouping, errors, learn or len(table.rows) <= LEARNT_AT_ONCE)
    if as_json:
        print_json(found.as_json())
    else:
        out("".join(f"{line}\n" for line in (*_figures(found), *_errors(found))))


def _write(grouping: Grouping, path: Path) -> None:
    """Write the group of each record."""
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("id", "cluster"))
            writer.writerows((row.id, group) for row, group in zip(grouping.rows, grouping.groups, strict=True))
    except OSError as error:
        reason = why(error)
        raise OutputFailed(Text(f"« {path} » ne peut pas être écrit : {reason.fr}.", f"'{path}' cannot be written: {reason.en}.")) from error


def _figures(found: Report) -> list[str]:
    """Return the figures as lines."""
    lines = [
        (say("Fiches", "Records"), f"{found.records}"),
        (say("Paires à trouver", "Pairs to find"), f"{found.pairs}"),
        (say("Paires comparées", "Pairs compared"), f"{found.candidates}"),
        (say("  dont celles à trouver", "  of those to find"), f"{found.block_recall:.4f}"),
        (say("Précision", "Precision"), f"{found.quality.precision:.4f}"),
        (say("Rappel", "Recall"), f"{found.quality.recall:.4f}"),
        ("F1", f"{found.quality.f1:.4f}"),
    ]
    if found.one_to_one:
        lines.append((say("F1, un à un", "F1, one to one"), _three(found.one_to_one)))
    lines += [(say("F1, appris d'une moitié", "F1, learnt from half"), f"{_three(one)} ({number}/2)") for number, one in enumerate(found.learnt, 1)]
    lines += [
        (say("Plus grand groupe faux", "Biggest wrong group"), f"{found.biggest_wrong}"),
        (say("Fiches par seconde et cœur", "Records a second and core"), f"{found.records_per_second:.0f}"),
        (say("Mémoire au plus haut", "Memory at its peak"), f"{found.peak_mb:.0f} MB"),
    ]
    width = max(len(name) for name, _ in lines)
    return [f"{name:{width}}  {value}" for name, value in lines]


def _three(quality: Quality) -> str:
    """Return F1, precision and recall."""
    precision, recall = say("précision", "precision"), say("rappel", "recall")
    return f"{quality.f1:.4f}, {precision} {quality.precision:.4f}, {recall} {quality.recall:.4f}"


def _errors(found: Report) -> list[str]:
    """Return the worst errors as lines, with their reasons."""
    lines: list[str] = []
    wrong, missed = found.wrong_pairs, found.missed_pairs
    for title, errors in (
        (say(f"Réunies à tort : {wrong} paires", f"Merged and should not be: {wrong} pairs"), found.wrong),
        (say(f"Manquées : {missed} paires", f"Missed: {missed} pairs"), found.missed),
    ):
        if errors:
            lines += ["", title]
            lines += [line for error in errors for line in _told(error)]
    return lines


def _told(error: Mistake) -> list[str]:
    """Return an error in words."""
    reasons = [f"{label(one).in_language(language())} {one.detail}".strip() + f" {one.weight:+.1f}" for one in error.reasons[:REASONS]]
    lines = [f"{error.score:+7.2f}  {_side(error.left.id, error.left.name)} = {_side(error.right.id, error.right.name)}", "; ".join(reasons)]
    if error.refusal:
        lines.append(error.refusal.in_language(language()))
    if not error.compared:
        lines.append(say("Rien ne les a rapprochées.", "Nothing brought them together."))
    return [lines[0][:9] + one_line(lines[0][9:]), *(f"         {one_line(line)}" for line in lines[1:])]


def _side(identifier: str, name: str) -> str:
    """Return one record in short."""
    return f"{identifier[:60]} « {name[:80]} »"
