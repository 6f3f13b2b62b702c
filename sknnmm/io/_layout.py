"""Which columns a delimited text file has, before its values are read.

pandas takes the first column for an index as soon as rows have more fields than the header. That
is right for the row names of R, wrong for rows that end in a separator, and fatal for decimal
commas, so the fields are counted here.
"""

import csv
import re

from sknnmm.io._text import open_text
from sknnmm.validation import _refuse_duplicates

BLANKS = r"\s+"
UNNAMED = "Unnamed: {}"  # what pandas calls a column without a name


def column_names(path, id_column, sep, encoding):
    """Return the names of the columns of a file, row names of R included.

    Fields that rows have beyond them are empty.
    """
    with open_text(path, encoding) as file:
        rows = _rows(file, sep, path)
        _, header = next(rows, (0, []))
        while header and not header[-1].strip():
            header.pop()
        if not header:
            raise ValueError(f"{path} has no names of columns in its first line.")
        _refuse_duplicates(filter(None, header), path)
        names = [name or UNNAMED.format(k) for k, name in enumerate(header)]
        if id_column is not None and id_column not in names:
            refuse_absent(id_column, names, path)
        surplus = _Surplus(names, id_column)
        for line, fields in rows:
            surplus.add(line, fields)
            if sep == BLANKS and len(fields) < len(names):
                raise ValueError(
                    f"{path}, line {line}, has {len(fields)} fields but the header has "
                    f"{len(names)}: write NA for what is missing."
                )
    if surplus.n_rows == 0:
        raise ValueError(f"{path} has a header but no rows.")
    if surplus.first is None:
        return names
    if surplus.are_row_names and header[0]:
        # Text in quotes, that of the header too, is R's way, and by default it counts the rows.
        counted = surplus.counted and _quoted(path, encoding)
        if sep != "," or counted or not surplus.may_be_decimals:
            return [UNNAMED.format(0), *names]
    line, width = surplus.first
    raise ValueError(
        f"{path}, line {line}, has {width} fields but the header has {len(names)}. Put text that "
        "contains the separator in quotes; if numbers have decimal commas, separate columns by "
        "something else and pass decimal, e.g. sep=';', decimal=','."
    )


class _Surplus:
    """What rows have beyond the header: fields that shift all others, or row names."""

    def __init__(self, names, id_column):
        self.n_columns = len(names)
        # An ID has no decimals, so its field is never the first part of a number.
        self.id_field = None if id_column is None else names.index(id_column)
        self.n_rows, self.n_one_more, self.firsts = 0, 0, set()
        self.first = None  # line and number of fields
        self.counted, self.may_be_decimals = True, id_column is not None

    def add(self, line, fields):
        self.n_rows += 1
        width = len(fields)
        while width > self.n_columns and not fields[width - 1].strip():
            width -= 1
        if width <= self.n_columns:
            return
        self.first = self.first or (line, width)
        if width == self.n_columns + 1:
            self.n_one_more += 1
            self.firsts.add(fields[0])
            self.counted &= fields[0] == str(self.n_rows)
            self.may_be_decimals &= self._splits_a_number(fields)

    def _splits_a_number(self, fields):
        return any(
            k != self.id_field
            and re.fullmatch(r"\s*[+-]?\d+", fields[k])
            and re.fullmatch(r"\d+([eE][+-]?\d+)?\s*", fields[k + 1])
            for k in range(self.n_columns)
        )

    @property
    def are_row_names(self):
        # Those of R are unique; where they hold the IDs, duplicates are reported as such.
        unique = len(self.firsts) == self.n_rows or self.id_field is None
        return self.n_one_more == self.n_rows and unique


def _rows(file, sep, path):
    """Yield the line number (of the last line) and fields of every row that is not blank."""
    if sep == BLANKS:
        file = (line.replace("\t", " ").strip() for line in file)
        reader = csv.reader(file, delimiter=" ", skipinitialspace=True)
    elif len(sep) == 1:
        reader = csv.reader(file, delimiter=sep)
    else:
        for line, text in enumerate(file, start=1):
            if text.strip():
                yield line, re.split(sep, text.rstrip("\r\n"))
        return
    try:
        for fields in reader:
            if fields and (len(fields) > 1 or fields[0].strip()):
                yield reader.line_num, fields
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}, cannot be read: {error}") from error


def refuse_absent(id_column, names, path):
    """Raise for a file without the column of IDs."""
    shown = ", ".join(repr(name) for name in names[:20]) + (", ..." if len(names) > 20 else "")
    wanted = "first column without a name" if id_column is None else f"column {id_column!r}"
    raise ValueError(
        f"{path} has no {wanted}; its columns are {shown}. If that is not how the file "
        "is divided, pass sep."
    )


def _quoted(path, encoding):
    with open_text(path, encoding) as file:
        return all(line.startswith('"') for line in file if line.strip())
