// Bounds of values, for a chunk and for each of its pages, and the page index that is made of them (PageIndex.md).
#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "storage/parquet_chunk.h"
#include "storage/parquet_thrift.h"

namespace weft {
namespace {

constexpr size_t kStatisticsBytes = 64;
constexpr char32_t kLastCharacter = 0x10ffff;

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// Cut before a character's first byte.
std::string_view CutText(std::string_view text) {
  if (text.size() <= kStatisticsBytes) return text;
  size_t end = kStatisticsBytes;
  while (end > 0 && IsContinuation(text[end])) --end;
  return text.substr(0, end);
}

// `text` is one well-formed character.
char32_t CharacterOf(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  char32_t character = text.size() == 1 ? lead : lead & (0x7fu >> text.size());
  for (const char c : text.substr(1)) character = character << 6 | (static_cast<unsigned char>(c) & 0x3fu);
  return character;
}

void AppendCharacter(char32_t c, std::string& out) {
  const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xc0 | c >> 6);
  } else {
    if (c < 0x10000) {
      put(0xe0 | c >> 12);
    } else {
      put(0xf0 | c >> 18);
      put(0x80 | (c >> 12 & 0x3f));
    }
    put(0x80 | (c >> 6 & 0x3f));
  }
  put(0x80 | (c & 0x3f));
}

// The least text of whole characters that is greater than all that begin with `text`: its last character is raised to the next
// one (UTF-8 sorts by bytes as its characters do), or, where there is none, left out and the one before it is raised.
std::optional<std::string> Above(std::string_view text) {
  while (!text.empty()) {
    size_t begin = text.size() - 1;
    while (begin > 0 && IsContinuation(text[begin])) --begin;
    char32_t character = CharacterOf(text.substr(begin));
    text = text.substr(0, begin);
    if (character >= kLastCharacter) continue;
    character = character + 1 == 0xd800 ? 0xe000 : character + 1;
    std::string above(text);
    AppendCharacter(character, above);
    return above;
  }
  return std::nullopt;
}

// Of a number, little endian, as PLAIN has it.
int64_t NumberOf(std::string_view plain) {
  uint64_t bits = 0;
  for (size_t i = 0; i < plain.size(); ++i) bits |= static_cast<uint64_t>(static_cast<unsigned char>(plain[i])) << 8 * i;
  return plain.size() == 4 ? static_cast<int32_t>(static_cast<uint32_t>(bits)) : static_cast<int64_t>(bits);
}

bool Less(bool text, std::string_view a, std::string_view b) { return text ? a < b : NumberOf(a) < NumberOf(b); }

// BoundaryOrder: whether the pages' bounds, as they are written, rise or fall.
int32_t OrderOf(bool text, const std::vector<const ParquetStatistics*>& pages) {
  bool rising = true;
  bool falling = true;
  for (size_t i = 1; i < pages.size(); ++i) {
    const ParquetStatistics& before = *pages[i - 1];
    const ParquetStatistics& here = *pages[i];
    rising = rising && !Less(text, *here.least, *before.least) && !Less(text, *here.most, *before.most);
    falling = falling && !Less(text, *before.least, *here.least) && !Less(text, *before.most, *here.most);
  }
  return rising ? parquet::kAscending : falling ? parquet::kDescending : parquet::kUnordered;
}

}  // namespace

std::string ParquetChunk::PlainNumber(int64_t number) const {
  const size_t size = type_ == ColumnType::kTruth ? 1 : type_ == ColumnType::kInteger ? 4 : 8;
  std::string bytes;
  for (size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>(static_cast<uint64_t>(number) >> 8 * i));
  return bytes;
}

ParquetStatistics ParquetChunk::Statistics(size_t rows, size_t value, size_t values) const {
  ParquetStatistics statistics;
  statistics.nulls = static_cast<int64_t>(rows - values);
  if (values == 0) return statistics;
  if (!IsText()) {
    const auto begin = numbers_.begin() + static_cast<std::ptrdiff_t>(value);
    const auto [least, most] = std::minmax_element(begin, begin + static_cast<std::ptrdiff_t>(values));
    statistics.least = PlainNumber(*least);
    statistics.most = PlainNumber(*most);
    return statistics;
  }
  std::string_view least = Text(value);
  std::string_view most = least;
  for (size_t i = value + 1; i < value + values; ++i) {
    least = std::min(least, Text(i));
    most = std::max(most, Text(i));
  }
  statistics.least = CutText(least);
  statistics.least_exact = statistics.least->size() == least.size();
  const std::string_view cut = CutText(most);
  statistics.most_exact = cut.size() == most.size();
  statistics.most = statistics.most_exact ? std::string(cut) : Above(cut);
  return statistics;
}

std::optional<std::string> ParquetColumnIndex(ColumnType type, const std::vector<ParquetPagePlace>& pages) {
  std::vector<const ParquetStatistics*> bounded;
  for (const ParquetPagePlace& page : pages) {
    if (page.all_null()) continue;
    // Every page that holds a value must have both.
    if (!page.statistics.least || !page.statistics.most) return std::nullopt;
    bounded.push_back(&page.statistics);
  }
  ThriftWriter out;
  out.BoolList(1, pages.size(), [&](size_t i) { return pages[i].all_null(); });
  const auto text = [&](const std::optional<std::string>& bound) { return bound ? std::string_view(*bound) : std::string_view(); };
  out.StringList(2, pages.size(), [&](size_t i) { return text(pages[i].statistics.least); });
  out.StringList(3, pages.size(), [&](size_t i) { return text(pages[i].statistics.most); });
  out.I32(4, OrderOf(type == ColumnType::kText || type == ColumnType::kJson, bounded));
  out.I64List(5, pages.size(), [&](size_t i) { return pages[i].statistics.nulls; });
  return out.Take();
}

std::string ParquetOffsetIndex(const std::vector<ParquetPagePlace>& pages) {
  ThriftWriter out;
  out.StructList(1, pages.size(), [&](size_t i) {
    out.I64(1, pages[i].offset);
    out.I32(2, pages[i].bytes);
    out.I64(3, pages[i].first_row);
  });
  return out.Take();
}

}  // namespace weft
