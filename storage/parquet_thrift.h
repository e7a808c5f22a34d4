// Thrift's compact protocol, as far as Parquet's headers and footer need it: writing only
// (github.com/apache/thrift, doc/specs/thrift-compact-protocol.md). Fields are given in the order of their numbers.
//
//   ThriftWriter out;
//   out.I32(1, 7);                                  // field 1
//   out.Struct(5, [&] { out.String(1, "x"); });     // field 5, a struct
//   std::string bytes = out.Take();                 // ends the outermost struct
// Thread rule: a value, one thread.
#pragma once

#include <absl/functional/function_ref.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weft {

class ThriftWriter {
 public:
  void Bool(int field, bool value);
  void I8(int field, int8_t value);
  void I16(int field, int16_t value);
  void I32(int field, int32_t value);
  void I64(int field, int64_t value);
  void String(int field, std::string_view bytes);
  void Struct(int field, absl::FunctionRef<void()> fields);
  // Lists of `size` elements; `element` answers the i-th, `fields` writes those of the i-th.
  void BoolList(int field, size_t size, absl::FunctionRef<bool(size_t)> element);
  void I32List(int field, size_t size, absl::FunctionRef<int32_t(size_t)> element);
  void I64List(int field, size_t size, absl::FunctionRef<int64_t(size_t)> element);
  void StringList(int field, size_t size, absl::FunctionRef<std::string_view(size_t)> element);
  void StructList(int field, size_t size, absl::FunctionRef<void(size_t)> fields);
  std::string Take();

 private:
  void Header(int field, uint8_t type);
  void ListHeader(int field, size_t size, uint8_t type);
  void Varint(uint64_t value);
  void ZigZag(int64_t value);
  void Nested(absl::FunctionRef<void()> fields);

  std::string out_;
  int last_field_ = 0;
};

}  // namespace weft
