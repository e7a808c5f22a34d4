// The hybrid of runs and bit-packed groups.
#include "storage/parquet_chunk.h"

namespace weft {
namespace {

void PutUleb(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

// Groups of eight, least bit first; what is missing in the last group is zero.
void PutPacked(std::string& out, const std::vector<uint32_t>& values, size_t begin, size_t end, int bit_width) {
  const size_t groups = (end - begin + 7) / 8;
  PutUleb(out, groups << 1 | 1);
  uint64_t waiting = 0;
  int bits = 0;
  for (size_t i = begin; i < begin + groups * 8; ++i) {
    waiting |= static_cast<uint64_t>(i < end ? values[i] : 0) << bits;
    for (bits += bit_width; bits >= 8; bits -= 8) {
      out.push_back(static_cast<char>(waiting));
      waiting >>= 8;
    }
  }
}

void PutRun(std::string& out, uint64_t length, uint32_t value, int bit_width) {
  PutUleb(out, length << 1);
  for (int bits = 0; bits < bit_width; bits += 8) out.push_back(static_cast<char>(value >> bits));
}

}  // namespace

std::string RleHybrid(const std::vector<uint32_t>& values, int bit_width) {
  std::string out;
  size_t packed_begin = 0;  // values from here on are not written yet
  size_t at = 0;
  while (at < values.size()) {
    size_t end = at + 1;
    while (end < values.size() && values[end] == values[at]) ++end;
    // A packed stretch is of whole groups of eight, unless it is the last: a run gives it what it lacks.
    const size_t lacking = (8 - (at - packed_begin) % 8) % 8;
    if (end - at >= 8 + lacking) {
      const size_t run_begin = at + lacking;
      if (run_begin > packed_begin) PutPacked(out, values, packed_begin, run_begin, bit_width);
      PutRun(out, end - run_begin, values[at], bit_width);
      packed_begin = end;
    }
    at = end;
  }
  if (packed_begin < values.size()) PutPacked(out, values, packed_begin, values.size(), bit_width);
  return out;
}

}  // namespace weft
