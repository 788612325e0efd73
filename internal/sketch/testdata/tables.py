"""Writes ../tables.go from the compiled tables of the Python package.

    pip install datasketches==5.2.0 && python tables.py | gofmt >../tables.go
"""
import array

import _datasketches

with open(_datasketches.__file__, "rb") as f:
    data = f.read()
doubles = array.array("d", data[: len(data) // 8 * 8])


def is_table(i):
    """The row for lgK 12: 257 ascending doubles, the first about 0.72 * 4096."""
    return 2900 < doubles[i] < 3000 and all(doubles[i + j] < doubles[i + j + 1] < 1e6 for j in range(256))


start = next(i for i in range(len(doubles) - 257) if is_table(i))
table = doubles[start : start + 257]

print("""package sketch

// compositeX holds the raw estimates at which the composite estimator of lgK 12 is a multiple of compositeStride. The numbers
// are measurements that the DataSketches project published (Apache License 2.0, see NOTICE); every library uses
// them, so that all give the same estimate. testdata/tables.py reads them from the Python package.
var compositeX = [...]float64{""")
for row in range(0, 257, 8):
    print("\t" + ", ".join(repr(v) for v in table[row : row + 8]) + ",")
print("}")
