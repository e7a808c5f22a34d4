#include "storage/export_text_tables.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <utility>

#include "common/status.h"

namespace weft {
namespace {

// As text, but for texts themselves.
std::string PlainText(const Cell& cell, ColumnType type) {
  if (const bool* truth = std::get_if<bool>(&cell)) return *truth ? "true" : "false";
  if (const int64_t* number = std::get_if<int64_t>(&cell)) {
    return type == ColumnType::kTime ? TimeText(*number) : std::to_string(*number);
  }
  return "";
}

std::string JsonText(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

class LineTable : public TableWriter {
 public:
  LineTable(std::vector<TableColumn> columns, std::unique_ptr<ByteSink> to)
      : columns_(std::move(columns)), to_(std::move(to)) {}

  absl::Status Append(std::span<const Cell> row) override {
    WEFT_RETURN_IF_ERROR(Begin());
    line_.clear();
    AddRow(row);
    return to_->Write(line_);
  }
  absl::Status Finish() override {
    WEFT_RETURN_IF_ERROR(Begin());
    return to_->Finish();
  }

 protected:
  virtual void AddHeader() {}
  virtual void AddRow(std::span<const Cell> row) = 0;
  const std::vector<TableColumn>& columns() const { return columns_; }
  std::string line_;

 private:
  absl::Status Begin() {
    if (std::exchange(begun_, true)) return absl::OkStatus();
    line_.clear();
    AddHeader();
    return to_->Write(line_);
  }

  std::vector<TableColumn> columns_;
  std::unique_ptr<ByteSink> to_;
  bool begun_ = false;
};

class CsvTable final : public LineTable {
 public:
  using LineTable::LineTable;

 private:
  void AddHeader() override {
    for (size_t i = 0; i < columns().size(); ++i) AddField(i, columns()[i].name);
    line_ += "\r\n";
  }
  void AddRow(std::span<const Cell> row) override {
    for (size_t i = 0; i < row.size(); ++i) {
      const auto* text = std::get_if<std::string>(&row[i]);
      // A row of one null would be an empty line, which readers pass over.
      const bool quotes = text != nullptr ? text->empty() : row.size() == 1 && IsNull(row[i]);
      if (quotes) {
        line_ += i == 0 ? "\"\"" : ",\"\"";
      } else {
        AddField(i, text != nullptr ? *text : PlainText(row[i], columns()[i].type));
      }
    }
    line_ += "\r\n";
  }
  void AddField(size_t index, std::string_view text) {
    if (index > 0) line_ += ',';
    if (text.find_first_of(",\"\r\n") == text.npos) {
      line_ += text;
      return;
    }
    line_ += '"';
    for (const char c : text) {
      if (c == '"') line_ += '"';
      line_ += c;
    }
    line_ += '"';
  }
};

class TsvTable final : public LineTable {
 public:
  using LineTable::LineTable;

 private:
  void AddHeader() override {
    for (size_t i = 0; i < columns().size(); ++i) AddField(i, columns()[i].name);
    line_ += '\n';
  }
  void AddRow(std::span<const Cell> row) override {
    for (size_t i = 0; i < row.size(); ++i) {
      const auto* text = std::get_if<std::string>(&row[i]);
      AddField(i, text != nullptr ? *text : PlainText(row[i], columns()[i].type));
    }
    line_ += '\n';
  }
  void AddField(size_t index, std::string_view text) {
    if (index > 0) line_ += '\t';
    for (const char c : text) {
      switch (c) {
        case '\t': line_ += "\\t"; break;
        case '\n': line_ += "\\n"; break;
        case '\r': line_ += "\\r"; break;
        case '\\': line_ += "\\\\"; break;
        default: line_ += c;
      }
    }
  }
};

class JsonlTable final : public LineTable {
 public:
  JsonlTable(std::vector<TableColumn> columns, std::unique_ptr<ByteSink> to) : LineTable(std::move(columns), std::move(to)) {
    for (const TableColumn& column : this->columns()) names_.push_back(JsonText(column.name) + ":");
  }

 private:
  void AddRow(std::span<const Cell> row) override {
    for (size_t i = 0; i < row.size(); ++i) {
      line_ += i == 0 ? '{' : ',';
      line_ += names_[i];
      AddValue(row[i], columns()[i].type);
    }
    line_ += row.empty() ? "{}\n" : "}\n";
  }
  void AddValue(const Cell& cell, ColumnType type) {
    if (IsNull(cell)) {
      line_ += "null";
    } else if (const auto* text = std::get_if<std::string>(&cell)) {
      line_ += type == ColumnType::kJson ? *text : JsonText(*text);
    } else if (type == ColumnType::kTime) {
      line_ += JsonText(PlainText(cell, type));
    } else {
      line_ += PlainText(cell, type);
    }
  }

  std::vector<std::string> names_;
};

}  // namespace

std::unique_ptr<TableWriter> NewCsvTable(std::vector<TableColumn> columns, std::unique_ptr<ByteSink> to) {
  return std::make_unique<CsvTable>(std::move(columns), std::move(to));
}
std::unique_ptr<TableWriter> NewTsvTable(std::vector<TableColumn> columns, std::unique_ptr<ByteSink> to) {
  return std::make_unique<TsvTable>(std::move(columns), std::move(to));
}
std::unique_ptr<TableWriter> NewJsonlTable(std::vector<TableColumn> columns, std::unique_ptr<ByteSink> to) {
  return std::make_unique<JsonlTable>(std::move(columns), std::move(to));
}

}  // namespace weft
