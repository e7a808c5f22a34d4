#include "storage/parquet_chunk.h"

#include <absl/container/flat_hash_map.h>
#include <zstd.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "common/status.h"
#include "storage/parquet_thrift.h"

namespace weft {
namespace {

constexpr size_t kPageBytes = 1 << 20;
constexpr size_t kPageRows = 20'000;
constexpr size_t kMostDictionaryBytes = 1 << 20;

template <typename Number>
void PutLittleEndian(std::string& out, Number number) {
  for (size_t i = 0; i < sizeof(number); ++i) out.push_back(static_cast<char>(static_cast<uint64_t>(number) >> 8 * i));
}

// One byte is enough: the widths are 0 to 32.
int BitWidth(size_t count) { return count <= 1 ? 0 : static_cast<int>(std::bit_width(count - 1)); }

absl::StatusOr<std::string> Press(ParquetCodec codec, ZSTD_CCtx* zstd, std::string page) {
  if (codec == ParquetCodec::kUncompressed) return page;
  std::string pressed(ZSTD_compressBound(page.size()), '\0');
  const size_t size = ZSTD_compressCCtx(zstd, pressed.data(), pressed.size(), page.data(), page.size(), 3);
  if (ZSTD_isError(size) != 0) return Internal("zstd: {}", ZSTD_getErrorName(size));
  pressed.resize(size);
  return pressed;
}

// Pages of one chunk, as they are written.
class PageAppender {
 public:
  PageAppender(ParquetCodec codec, ZSTD_CCtx* zstd, std::string& out) : codec_(codec), zstd_(zstd), out_(out) {}

  // A page begins to exceed what its header can say: only a single text of 2 GiB could.
  absl::Status Add(int32_t type, size_t values, int32_t encoding, std::string page, ParquetChunkPlace& place) {
    const size_t plain_bytes = page.size();
    if (plain_bytes > INT32_MAX) return ResourceExhausted("a page of {} bytes is too large for Parquet", plain_bytes);
    WEFT_ASSIGN_OR_RETURN(const std::string pressed, Press(codec_, zstd_, std::move(page)));
    ThriftWriter header;
    header.I32(1, type);
    header.I32(2, static_cast<int32_t>(plain_bytes));
    header.I32(3, static_cast<int32_t>(pressed.size()));
    header.Struct(type == parquet::kDataPage ? 5 : 7, [&] {
      header.I32(1, static_cast<int32_t>(values));
      header.I32(2, encoding);
      if (type != parquet::kDataPage) return;
      header.I32(3, parquet::kRle);
      header.I32(4, parquet::kRle);
    });
    const std::string head = header.Take();
    out_ += head;
    out_ += pressed;
    place.uncompressed_bytes += static_cast<int64_t>(head.size() + plain_bytes);
    place.compressed_bytes += static_cast<int64_t>(head.size() + pressed.size());
    return absl::OkStatus();
  }

 private:
  ParquetCodec codec_;
  ZSTD_CCtx* zstd_;
  std::string& out_;
};

}  // namespace

struct ParquetChunk::Dictionary {
  std::vector<size_t> firsts;        // an index of each distinct value
  std::vector<uint32_t> indexes;     // of every value
  size_t bytes = 0;                  // PLAIN
};

int32_t parquet::PhysicalType(ColumnType type) {
  switch (type) {
    case ColumnType::kText:
    case ColumnType::kJson: return kByteArray;
    case ColumnType::kInteger: return kInt32;
    case ColumnType::kLong:
    case ColumnType::kTime: return kInt64;
    case ColumnType::kTruth: return kBoolean;
  }
  return kByteArray;
}

bool ParquetChunk::Add(const Cell& cell) {
  if (IsNull(cell)) {
    if (!nullable_) return false;
    present_.push_back(false);
    return true;
  }
  if (IsText()) {
    const auto* text = std::get_if<std::string>(&cell);
    if (text == nullptr) return false;
    bytes_ += *text;
    ends_.push_back(bytes_.size());
  } else if (type_ == ColumnType::kTruth) {
    const auto* truth = std::get_if<bool>(&cell);
    if (truth == nullptr) return false;
    numbers_.push_back(*truth ? 1 : 0);
  } else {
    const auto* number = std::get_if<int64_t>(&cell);
    if (number == nullptr) return false;
    if (type_ == ColumnType::kInteger && (*number < INT32_MIN || *number > INT32_MAX)) return false;
    numbers_.push_back(*number);
  }
  present_.push_back(true);
  return true;
}

std::string_view ParquetChunk::Text(size_t index) const {
  const uint64_t begin = index == 0 ? 0 : ends_[index - 1];
  return std::string_view(bytes_).substr(begin, ends_[index] - begin);
}

void ParquetChunk::AppendPlain(size_t index, std::string& out) const {
  if (IsText()) {
    const std::string_view text = Text(index);
    PutLittleEndian(out, static_cast<uint32_t>(text.size()));
    out += text;
  } else {
    out += PlainNumber(numbers_[index]);
  }
}

std::optional<ParquetChunk::Dictionary> ParquetChunk::MakeDictionary() const {
  const size_t count = value_count();
  if (count == 0 || type_ == ColumnType::kTruth) return std::nullopt;
  Dictionary made;
  made.indexes.reserve(count);
  absl::flat_hash_map<std::string_view, uint32_t> texts;
  absl::flat_hash_map<int64_t, uint32_t> numbers;
  size_t plain = 0;
  for (size_t i = 0; i < count; ++i) {
    const auto next = static_cast<uint32_t>(made.firsts.size());
    const size_t size = IsText() ? 4 + Text(i).size() : type_ == ColumnType::kInteger ? 4 : 8;
    plain += size;
    const auto [index, added] = IsText() ? [&] { const auto [it, is_new] = texts.try_emplace(Text(i), next);
                                                      return std::pair(it->second, is_new); }()
                                              : [&] { const auto [it, is_new] = numbers.try_emplace(numbers_[i], next);
                                                      return std::pair(it->second, is_new); }();
    made.indexes.push_back(index);
    if (!added) continue;
    made.firsts.push_back(i);
    made.bytes += size;
    if (made.bytes > kMostDictionaryBytes) return std::nullopt;
  }
  const size_t width = static_cast<size_t>(BitWidth(made.firsts.size()));
  if (made.bytes + count * width / 8 >= plain) return std::nullopt;
  return made;
}

size_t ParquetChunk::RowsOfPage(size_t row, size_t value, const Dictionary* dictionary) const {
  size_t bytes = 0;
  size_t rows = 0;
  while (row + rows < present_.size() && rows < kPageRows && bytes < kPageBytes) {
    if (present_[row + rows]) {
      bytes += dictionary != nullptr || !IsText() ? 8 : 4 + Text(value).size();
      ++value;
    }
    ++rows;
  }
  return rows;
}

std::string ParquetChunk::DataPage(size_t row, size_t rows, size_t value, size_t values,
                                   const Dictionary* dictionary) const {
  std::string page;
  if (nullable_) {
    std::vector<uint32_t> levels(rows);
    for (size_t i = 0; i < rows; ++i) levels[i] = present_[row + i] ? 1 : 0;
    const std::string coded = RleHybrid(levels, 1);
    PutLittleEndian(page, static_cast<uint32_t>(coded.size()));
    page += coded;
  }
  if (dictionary != nullptr) {
    const int width = BitWidth(dictionary->firsts.size());
    page.push_back(static_cast<char>(width));
    const auto begin = dictionary->indexes.begin() + static_cast<std::ptrdiff_t>(value);
    page += RleHybrid({begin, begin + static_cast<std::ptrdiff_t>(values)}, width);
  } else if (type_ == ColumnType::kTruth) {
    for (size_t i = 0; i < values; ++i) {
      if (i % 8 == 0) page.push_back(0);
      if (numbers_[value + i] != 0) page.back() = static_cast<char>(page.back() | 1 << i % 8);
    }
  } else {
    for (size_t i = 0; i < values; ++i) AppendPlain(value + i, page);
  }
  return page;
}

absl::StatusOr<ParquetChunkPlace> ParquetChunk::Encode(ParquetCodec codec, ZSTD_CCtx_s* zstd, int64_t offset,
                                                       std::string& out) {
  ParquetChunkPlace place;
  place.values = static_cast<int64_t>(present_.size());
  place.statistics = Statistics(present_.size(), 0, value_count());
  PageAppender pages(codec, zstd, out);
  const auto dictionary = MakeDictionary();
  if (dictionary) {
    place.dictionary = true;
    place.dictionary_offset = offset;
    std::string page;
    for (const size_t first : dictionary->firsts) AppendPlain(first, page);
    WEFT_RETURN_IF_ERROR(pages.Add(parquet::kDictionaryPage, dictionary->firsts.size(), parquet::kPlain, std::move(page), place));
  }
  place.data_offset = offset + place.compressed_bytes;
  const Dictionary* const coded = dictionary ? &*dictionary : nullptr;
  for (size_t row = 0, value = 0; row < present_.size();) {
    const size_t rows = RowsOfPage(row, value, coded);
    const auto begin = present_.begin() + static_cast<std::ptrdiff_t>(row);
    const auto values = static_cast<size_t>(std::count(begin, begin + static_cast<std::ptrdiff_t>(rows), true));
    ParquetPagePlace page{offset + place.compressed_bytes, 0, static_cast<int64_t>(row), static_cast<int64_t>(rows),
                          Statistics(rows, value, values)};
    WEFT_RETURN_IF_ERROR(pages.Add(parquet::kDataPage, rows, dictionary ? parquet::kRleDictionary : parquet::kPlain,
                                   DataPage(row, rows, value, values, coded), place));
    page.bytes = static_cast<int32_t>(offset + place.compressed_bytes - page.offset);
    place.pages.push_back(std::move(page));
    row += rows;
    value += values;
  }
  present_.clear();
  bytes_.clear();
  ends_.clear();
  numbers_.clear();
  return place;
}

}  // namespace weft
