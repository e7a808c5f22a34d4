// Writes a random table as Parquet and, cell by cell, as JSON Lines, for a test that compares the two:
//   parquet_sample SEED FILE.parquet FILE.jsonl
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "common/random.h"
#include "common/status.h"
#include "storage/export_file.h"
#include "storage/export_text_tables.h"
#include "storage/parquet_writer.h"

namespace weft {
namespace {

std::vector<TableColumn> Columns() {
  return {{"text", ColumnType::kText, true},      {"name", ColumnType::kText, false},   {"long_text", ColumnType::kText, true},
          {"json", ColumnType::kJson, true},      {"number", ColumnType::kInteger, true}, {"big", ColumnType::kLong, false},
          {"maybe_big", ColumnType::kLong, true}, {"truth", ColumnType::kTruth, false}, {"maybe", ColumnType::kTruth, true},
          {"time", ColumnType::kTime, false},     {"none", ColumnType::kText, true},    {"same", ColumnType::kText, false}};
}

std::string RandomText(Random& random, size_t most) {
  static constexpr const char* kPieces[] = {"a", "Z", "0", " ", "\"", "\\", "\n", "\xc3\xa9", "\xe2\x82\xac",
                                            "\xf0\x9f\x98\x80", "x", "/"};
  std::string text;
  for (uint64_t i = random.Below(most + 1); i > 0; --i) text += kPieces[random.Below(std::size(kPieces))];
  return text;
}

std::vector<Cell> RandomRow(Random& random, uint64_t variety, uint64_t nulls) {
  const auto null = [&] { return random.Below(100) < nulls; };
  const auto integer = [&] { return static_cast<int64_t>(random.Next()); };
  return {null() ? Cell() : Cell(RandomText(random, 20)),
          Cell("name " + std::to_string(random.Below(variety))),
          null() ? Cell() : Cell(RandomText(random, 4000)),
          null() ? Cell() : Cell("[" + std::to_string(random.Below(5)) + "]"),
          null() ? Cell() : Cell(static_cast<int64_t>(static_cast<int32_t>(random.Next()))),
          Cell(integer()),
          null() ? Cell() : Cell(static_cast<int64_t>(random.Below(variety))),
          Cell(random.Below(2) == 0),
          null() ? Cell() : Cell(random.Below(10) == 0),
          Cell(static_cast<int64_t>(random.Below(4'000'000'000'000'000))),
          Cell(),
          Cell("the same")};
}

absl::Status Write(uint64_t seed, const std::string& parquet, const std::string& lines) {
  const std::unique_ptr<Random> random = SeededRandom(seed);
  ParquetOptions options;
  options.codec = seed % 2 == 0 ? ParquetCodec::kZstd : ParquetCodec::kUncompressed;
  options.row_group_bytes = size_t{1} << (14 + random->Below(10));
  options.metadata = {{"seed", std::to_string(seed)}};
  WEFT_ASSIGN_OR_RETURN(auto parquet_file, OutputFile::ToFile(parquet));
  WEFT_ASSIGN_OR_RETURN(auto lines_file, OutputFile::ToFile(lines));
  const auto table = NewParquetTable(Columns(), std::move(parquet_file), options);
  const auto text = NewJsonlTable(Columns(), std::move(lines_file));
  const uint64_t variety = 1 + random->Below(3000);
  const uint64_t nulls = random->Below(101);
  for (uint64_t rows = random->Below(5) == 0 ? random->Below(2) : random->Below(3000); rows > 0; --rows) {
    const std::vector<Cell> row = RandomRow(*random, variety, nulls);
    WEFT_RETURN_IF_ERROR(table->Append(row));
    WEFT_RETURN_IF_ERROR(text->Append(row));
  }
  WEFT_RETURN_IF_ERROR(table->Finish());
  return text->Finish();
}

}  // namespace
}  // namespace weft

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const absl::Status status = weft::Write(std::strtoull(argv[1], nullptr, 10), argv[2], argv[3]);
  if (!status.ok()) fmt::print(stderr, "{}\n", weft::ErrorText(status));
  return status.ok() ? 0 : 1;
}
