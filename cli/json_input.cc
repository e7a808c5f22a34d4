#include "cli/json_input.h"

#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/percent_encoding.h"
#include "common/status.h"

namespace weft {
namespace {

using nlohmann::json;

// Takes the parser's events; a tree of a hostile line would cost a hundred times the line.
class MemberReader final : public nlohmann::json_sax<json> {
 public:
  bool null() override { return Other(nullptr); }
  bool boolean(bool) override { return Other("true or false"); }
  bool number_integer(number_integer_t) override { return Other("a number"); }
  bool number_unsigned(number_unsigned_t) override { return Other("a number"); }
  bool number_float(number_float_t, const string_t&) override { return Other("a number"); }
  bool binary(binary_t&) override { return false; }
  bool string(string_t& text) override {
    if (depth_ == 1) input_.Set(std::move(name_), std::move(text));
    return depth_ > 0 || NoObject();
  }
  bool key(string_t& name) override {
    if (depth_ == 1) name_ = std::move(name);
    return true;
  }
  bool start_object(size_t) override {
    if (depth_ == 1) input_.SetOther(std::move(name_), "an object");
    ++depth_;
    return true;
  }
  bool end_object() override {
    --depth_;
    return true;
  }
  bool start_array(size_t) override {
    if (depth_ == 0) return NoObject();
    if (depth_ == 1) input_.SetOther(std::move(name_), "an array");
    ++depth_;
    return true;
  }
  bool end_array() override { return end_object(); }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception&) override {
    error_ = InvalidArgument("not JSON: it is wrong, or breaks off, at byte {}", position);
    return false;
  }

  const absl::Status& error() const { return error_; }
  InspectionInput TakeInput() { return std::move(input_); }

 private:
  bool NoObject() {
    error_ = InvalidArgument("JSON, but not an object");
    return false;
  }
  bool Other(const char* what) {
    if (depth_ == 0) return NoObject();
    if (depth_ == 1 && what != nullptr) input_.SetOther(std::move(name_), what);
    if (depth_ == 1 && what == nullptr) input_.Unset(name_);
    return true;
  }

  InspectionInput input_;
  std::string name_;
  size_t depth_ = 0;
  absl::Status error_;
};

// The code unit of "\uXXXX" at `at`, or -1.
int UnitAt(std::string_view text, size_t at) {
  if (text.size() < at + 6 || text[at] != '\\' || text[at + 1] != 'u') return -1;
  int unit = 0;
  for (size_t i = at + 2; i < at + 6; ++i) {
    const int digit = HexValue(text[i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

// Half pairs as "\ufffd"; `storage` is used only where there is one.
std::string_view WithoutHalfPairs(std::string_view line, std::string* storage) {
  for (size_t at = line.find('\\'); at != std::string_view::npos; at = line.find('\\', at)) {
    const int unit = UnitAt(line, at);
    if (unit < 0xD800 || unit > 0xDFFF) {
      at += 2;
      continue;
    }
    const int next = UnitAt(line, at + 6);
    if (unit < 0xDC00 && next >= 0xDC00 && next <= 0xDFFF) {
      at += 12;
      continue;
    }
    if (storage->empty()) *storage = line;
    storage->replace(at, 6, "\\ufffd");
    line = *storage;
    at += 6;
  }
  return line;
}

}  // namespace

absl::StatusOr<InspectionInput> ReadJsonInput(std::string_view line) {
  // The parser would take a NUL for the end and pass over what follows.
  const size_t nul = line.find('\0');
  if (nul != std::string_view::npos) return InvalidArgument("not JSON: byte {} is a NUL", nul + 1);
  std::string storage;
  line = WithoutHalfPairs(line, &storage);
  MemberReader reader;
  if (!json::sax_parse(line.begin(), line.end(), &reader)) return reader.error();
  return reader.TakeInput();
}

}  // namespace weft
