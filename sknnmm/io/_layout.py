"""Which columns a delimited text file has, before its values are read.

pandas takes the first column for an index as soon as rows have more fields than the header. That
is right for the row names of R, wrong for rows that end in a separator, and fatal for decimal
commas, so the fields are counted here.
"""

import csv
import re
from collections import deque

from sknnmm.common.duplicates import refuse_duplicates
from sknnmm.io._text import open_text

BLANKS = r"\s+"
UNNAMED = "Unnamed: {}"  # what pandas calls a column without a name


def column_names(path, id_column, sep, encoding):
    """Return the names of the columns of a file, row names of R included, and the header's line.

    Fields that rows have beyond them are empty.
    """
    with open_text(path, encoding) as file:
        rows = _rows(_noting(file, last := deque(maxlen=1)), sep, path)
        header_line, header, quoted = next(rows, (0, [], False))
        header = [name.strip() for name in header]
        while header and not header[-1]:
            header.pop()
        if not header:
            raise ValueError(f"{path} has no names of columns in its first line.")
        names = [name or UNNAMED.format(k) for k, name in enumerate(header)]
        refuse_duplicates(names, path, "column names", "Rename them.")
        if id_column is not None and id_column not in names:
            refuse_absent(id_column, names, path)
        surplus = _Surplus(names, id_column, quoted)
        for line, fields, quoted in rows:
            surplus.add(line, fields, quoted)
            if sep == BLANKS and len(fields) < len(names):
                raise ValueError(
                    f"{path}, line {line}, has {len(fields)} fields but the header has "
                    f"{len(names)}: write NA for what is missing."
                )
        is_cut = last[0].strip() and not last[0].endswith(("\n", "\r"))
        if surplus.n_rows and len(fields) < len(names) and is_cut:
            raise ValueError(
                f"{path}, line {line}, ends in the middle: it has {len(fields)} fields but the "
                f"header has {len(names)}, and it is the last line. Copy or write the file again."
            )
    if surplus.n_rows == 0:
        raise ValueError(f"{path} has a header but no rows.")
    if surplus.first is None:
        return names, header_line
    if header[0] and surplus.are_row_names(sep):
        names = [UNNAMED.format(0), *names]
        refuse_duplicates(names, path, "column names", "Rename them.")
        return names, header_line
    line, width = surplus.first
    raise ValueError(
        f"{path}, line {line}, has {width} fields but the header has {len(names)}. Put text that "
        "contains the separator in quotes; if numbers have decimal commas, separate columns by "
        "something else and pass decimal, e.g. sep=';', decimal=','; if rows begin with row names, "
        "put these in quotes or pass id_column=None."
    )


class _Surplus:
    """What rows have beyond the header: fields that shift all others, or row names."""

    def __init__(self, names, id_column, quoted):
        self.n_columns = len(names)
        self.id_column = id_column
        # An ID has no decimals, so its field is never the first part of a number.
        self.id_field = None if id_column is None else names.index(id_column)
        self.n_rows, self.n_one_more, self.firsts = 0, 0, set()
        self.first = None  # line and number of fields
        self.counted, self.may_be_decimals = True, id_column is not None
        self.quoted, self.may_be_text = quoted, False

    def add(self, line, fields, quoted):
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
            counts = re.fullmatch(r"(?:r|row)?(\d+)", fields[0])
            self.counted &= counts is not None and counts[1] == str(self.n_rows)
            self.quoted &= quoted
            self.may_be_text |= any(field[:1].isspace() for field in fields[1:])
            self.may_be_decimals &= self._splits_a_number(fields)

    def _splits_a_number(self, fields):
        return any(
            k != self.id_field
            and re.fullmatch(r"\s*[+-]?\d+", fields[k])
            and re.fullmatch(r"\d+([eE][+-]?\d+)?\s*", fields[k + 1])
            for k in range(self.n_columns)
        )

    def are_row_names(self, sep):
        """Return whether the first fields are row names, not text with a separator in it."""
        if self.n_one_more < self.n_rows:
            return False
        if self.id_column is None:  # asked for; duplicates are reported as such
            return True
        if len(self.firsts) < self.n_rows:  # those of R are unique
            return False
        # Text in quotes, that of the header too, is R's way, and by default it counts the rows.
        if "," in sep and self.may_be_decimals:
            return self.quoted and self.counted
        if sep == "\t":  # hardly ever part of a text
            return True
        return self.quoted or (self.counted and self.n_rows > 1 and not self.may_be_text)


def _rows(file, sep, path):
    """Yield every row that is not blank: its last line's number, its fields, whether in quotes."""
    if sep != BLANKS and len(sep) > 1:
        for line, text in enumerate(file, start=1):
            if text.strip():
                yield line, re.split(sep, text.rstrip("\r\n")), text.startswith('"')
        return
    if sep == BLANKS:
        file = (line.replace("\t", " ").strip(" \r\n") for line in file)
    reader = csv.reader(
        _noting(file, lines := []),
        delimiter=" " if sep == BLANKS else sep,
        skipinitialspace=sep == BLANKS,
    )
    try:
        for fields in reader:
            if fields and (len(fields) > 1 or fields[0].strip()):
                yield reader.line_num, fields, lines[0].startswith('"')
            lines.clear()
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}, cannot be read: {error}") from error


def _noting(file, lines):
    """Yield the lines of a file, and append each to a list."""
    for line in file:
        lines.append(line)
        yield line


def refuse_absent(id_column, names, path, *, is_text=True):
    """Raise for a file without the column of IDs."""
    shown = ", ".join(repr(name) for name in names[:20]) + (", ..." if len(names) > 20 else "")
    wanted = "first column without a name" if id_column is None else f"column {id_column!r}"
    raise ValueError(
        f"{path} has no {wanted}; its columns are {shown}."
        + (" If that is not how the file is divided, pass sep." if is_text else "")
    )
