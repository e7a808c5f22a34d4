"""Reads flat Parquet files, by the format's specification and with nothing of Weft's: for the tests of the export.

    table = parquet_reader.read(path)     # .names, .columns (name -> values), .types, .row_groups, .metadata, .pages and .bounds (of each row group)

Knows what such files may hold: data pages V1, PLAIN and RLE_DICTIONARY, no compression or zstd (by libzstd itself).
Fails on whatever does not fit: counts, sizes and levels are checked.
"""
import ctypes
import ctypes.util
import struct
from types import SimpleNamespace

BOOLEAN, INT32, INT64, BYTE_ARRAY = 0, 1, 2, 6
PLAIN, RLE, RLE_DICTIONARY = 0, 3, 8
DATA_PAGE, DICTIONARY_PAGE = 0, 2
UNCOMPRESSED, ZSTD = 0, 6


class Thrift:
    """The compact protocol; a struct is a dict by field number."""

    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7f) << shift
            if byte < 0x80:
                return value
            shift += 7

    def zigzag(self):
        value = self.varint()
        return value >> 1 ^ -(value & 1)

    def value(self, kind):
        if kind in (1, 2):
            return kind == 1
        if kind == 3:
            return struct.unpack("b", bytes([self.byte()]))[0]
        if kind in (4, 5, 6):
            return self.zigzag()
        if kind == 8:
            size = self.varint()
            self.at += size
            assert self.at <= len(self.data), "a text goes beyond the end"
            return bytes(self.data[self.at - size:self.at])
        if kind == 9:
            head = self.byte()
            size = head >> 4 if head >> 4 != 15 else self.varint()
            if head & 15 in (1, 2):
                return [self.byte() == 1 for _ in range(size)]
            return [self.value(head & 15) for _ in range(size)]
        assert kind == 12, f"thrift type {kind}"
        return self.struct()

    def struct(self):
        fields, number = {}, 0
        while True:
            head = self.byte()
            if head == 0:
                return fields
            number = number + (head >> 4) if head >> 4 else self.zigzag()
            fields[number] = self.value(head & 15)


def unzstd(data, size):
    library = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
    library.ZSTD_decompress.restype = ctypes.c_size_t
    out = ctypes.create_string_buffer(size + 1)
    got = library.ZSTD_decompress(out, ctypes.c_size_t(size + 1), data, ctypes.c_size_t(len(data)))
    assert got == size, f"a page of {got} bytes should have {size}"
    return out.raw[:size]


def hybrid(data, at, end, width, count):
    """The RLE / bit-packing hybrid: `count` values, and where they end."""
    values = []
    while len(values) < count:
        reader = Thrift(data, at)
        head = reader.varint()
        at = reader.at
        if head & 1:
            size = (head >> 1) * width
            bits = int.from_bytes(data[at:at + size], "little")
            values += [bits >> width * i & (1 << width) - 1 for i in range((head >> 1) * 8)]
        else:
            size = (width + 7) // 8
            assert head > 0, "an empty run"
            values += [int.from_bytes(data[at:at + size], "little")] * (head >> 1)
        at += size
        assert at <= end, "runs go beyond their page"
    return values[:count], at


def plain(data, at, kind, count):
    if kind == BOOLEAN:
        return [bool(data[at + i // 8] >> i % 8 & 1) for i in range(count)], at + (count + 7) // 8
    if kind in (INT32, INT64):
        size = 4 if kind == INT32 else 8
        values = struct.unpack_from(f"<{count}{'i' if kind == INT32 else 'q'}", data, at)
        return list(values), at + size * count
    values = []
    for _ in range(count):
        size, = struct.unpack_from("<I", data, at)
        at += 4 + size
        assert at <= len(data), "a text goes beyond its page"
        values.append(bytes(data[at - size:at]))
    return values, at


def read_page(data, at, codec):
    reader = Thrift(data, at)
    header = reader.struct()
    body = data[reader.at:reader.at + header[3]]
    assert len(body) == header[3]
    if codec == ZSTD:
        body = unzstd(body, header[2])
    assert len(body) == header[2]
    return header, body, reader.at + header[3]


def read_data_page(body, head, kind, optional, dictionary):
    rows, encoding = head[1], head[2]
    at, levels = 0, [1] * rows
    if optional:
        size, = struct.unpack_from("<I", body)
        levels, at = hybrid(body, 4, 4 + size, 1, rows)
        assert at == 4 + size
    count = sum(levels)
    if encoding == RLE_DICTIONARY:
        indexes, at = hybrid(body, at + 1, len(body), body[at], count) if count else ([], at + 1)
        values = [dictionary[i] for i in indexes]
    else:
        assert encoding == PLAIN
        values, at = plain(body, at, kind, count)
    assert at == len(body), f"{len(body) - at} bytes too many in a page"
    values = iter(values)
    return [next(values) if level else None for level in levels]


def read_chunk(data, meta, optional):
    at = meta.get(11, meta[9])
    end = at + meta[7]
    values, dictionary, plain_bytes, pages = [], None, 0, []
    while at < end:
        begin = at
        header, body, at = read_page(data, at, meta[4])
        if header[1] == DATA_PAGE:
            pages.append(SimpleNamespace(offset=begin, bytes=at - begin, first_row=len(values), values=None))
        plain_bytes += at - begin - header[3] + header[2]
        if header[1] == DICTIONARY_PAGE:
            assert dictionary is None and begin == meta[11]
            dictionary, used = plain(body, 0, meta[1], header[7][1])
            assert used == len(body)
        else:
            assert values or begin == meta[9]
            pages[-1].values = read_data_page(body, header[5], meta[1], optional, dictionary)
            values += pages[-1].values
    assert at == end and len(values) == meta[5] and plain_bytes == meta[6]
    return values, pages


def number(kind, bound):
    """A bound of the index as something to compare with values."""
    if kind == BYTE_ARRAY:
        return bound
    return bool(bound[0]) if kind == BOOLEAN else int.from_bytes(bound, "little", signed=True)


def check_page_index(data, chunk, kind, pages):
    """The index says of each page where it lies, and holds its values within bounds, in the order that it claims. Returns those."""
    places = Thrift(data, chunk[4])
    found = places.struct()[1]
    assert places.at == chunk[4] + chunk[5]
    assert [(p[1], p[2], p[3]) for p in found] == [(p.offset, p.bytes, p.first_row) for p in pages]
    if 6 not in chunk:
        return None
    reader = Thrift(data, chunk[6])
    index = reader.struct()
    assert reader.at == chunk[6] + chunk[7]
    assert len(index[1]) == len(index[2]) == len(index[3]) == len(index[5]) == len(pages)
    bounds = []
    for null, least, most, nulls, page in zip(index[1], index[2], index[3], index[5], pages):
        values = [value for value in page.values if value is not None]
        assert nulls == len(page.values) - len(values) and null == (not values)
        if null:
            assert least == most == b""
            continue
        bounds.append((number(kind, least), number(kind, most)))
        assert bounds[-1][0] <= min(values) and max(values) <= bounds[-1][1]
    for at in (0, 1):
        column = [bound[at] for bound in bounds]
        assert index[4] != 1 or column == sorted(column)
        assert index[4] != 2 or column == sorted(column, reverse=True)
    return bounds


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    assert data[:4] == data[-4:] == b"PAR1", f"{path} is no Parquet file"
    size, = struct.unpack("<I", data[-8:-4])
    reader = Thrift(data, len(data) - 8 - size)
    footer = reader.struct()
    assert reader.at == len(data) - 8
    root, *leaves = footer[2]
    assert root[5] == len(leaves)
    table = SimpleNamespace(names=[leaf[4].decode() for leaf in leaves], columns={}, types={}, row_groups=[],
                            rows=footer[3], pages={}, bounds={}, orders=footer.get(7),
                            metadata={pair[1].decode(): pair[2].decode() for pair in footer.get(5, [])})
    for leaf in leaves:
        name = leaf[4].decode()
        table.types[name] = (leaf[1], leaf[3] == 1, leaf.get(10))
        table.columns[name] = []
    for group in footer[4]:
        table.row_groups.append(group)
        for name, chunk in zip(table.names, group[1]):
            assert chunk[3][3] == [name.encode()]
            kind, optional, logical = table.types[name]
            values, pages = read_chunk(data, chunk[3], optional)
            table.pages.setdefault(name, []).append(len(pages))
            table.bounds.setdefault(name, []).append(check_page_index(data, chunk, kind, pages))
            assert len(values) == group[3]
            if logical and 1 in logical:
                values = [None if value is None else value.decode("utf-8") for value in values]
            table.columns[name] += values
    assert all(len(values) == table.rows for values in table.columns.values())
    return table


def as_rows(table):
    return [dict(zip(table.names, values)) for values in zip(*(table.columns[name] for name in table.names))]
