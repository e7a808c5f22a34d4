#include "storage/parquet_thrift.h"

#include <utility>

namespace weft {
namespace {

constexpr uint8_t kTrue = 1;
constexpr uint8_t kFalse = 2;
constexpr uint8_t kByte = 3;
constexpr uint8_t kI16 = 4;
constexpr uint8_t kI32 = 5;
constexpr uint8_t kI64 = 6;
constexpr uint8_t kBinary = 8;
constexpr uint8_t kList = 9;
constexpr uint8_t kStruct = 12;

}  // namespace

void ThriftWriter::Varint(uint64_t value) {
  while (value >= 0x80) {
    out_.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out_.push_back(static_cast<char>(value));
}

void ThriftWriter::ZigZag(int64_t value) {
  Varint((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
}

void ThriftWriter::Header(int field, uint8_t type) {
  const int delta = field - last_field_;
  last_field_ = field;
  if (delta > 0 && delta <= 15) {
    out_.push_back(static_cast<char>(delta << 4 | type));
  } else {
    out_.push_back(static_cast<char>(type));
    ZigZag(field);
  }
}

void ThriftWriter::ListHeader(int field, size_t size, uint8_t type) {
  Header(field, kList);
  if (size < 15) {
    out_.push_back(static_cast<char>(size << 4 | type));
  } else {
    out_.push_back(static_cast<char>(0xf0 | type));
    Varint(size);
  }
}

void ThriftWriter::Bool(int field, bool value) { Header(field, value ? kTrue : kFalse); }

void ThriftWriter::I8(int field, int8_t value) {
  Header(field, kByte);
  out_.push_back(static_cast<char>(value));
}

void ThriftWriter::I16(int field, int16_t value) {
  Header(field, kI16);
  ZigZag(value);
}

void ThriftWriter::I32(int field, int32_t value) {
  Header(field, kI32);
  ZigZag(value);
}

void ThriftWriter::I64(int field, int64_t value) {
  Header(field, kI64);
  ZigZag(value);
}

void ThriftWriter::String(int field, std::string_view bytes) {
  Header(field, kBinary);
  Varint(bytes.size());
  out_ += bytes;
}

void ThriftWriter::Nested(absl::FunctionRef<void()> fields) {
  const int outer = std::exchange(last_field_, 0);
  fields();
  out_.push_back(0);
  last_field_ = outer;
}

void ThriftWriter::Struct(int field, absl::FunctionRef<void()> fields) {
  Header(field, kStruct);
  Nested(fields);
}

void ThriftWriter::BoolList(int field, size_t size, absl::FunctionRef<bool(size_t)> element) {
  ListHeader(field, size, kTrue);
  for (size_t i = 0; i < size; ++i) out_.push_back(static_cast<char>(element(i) ? kTrue : kFalse));
}

void ThriftWriter::I32List(int field, size_t size, absl::FunctionRef<int32_t(size_t)> element) {
  ListHeader(field, size, kI32);
  for (size_t i = 0; i < size; ++i) ZigZag(element(i));
}

void ThriftWriter::I64List(int field, size_t size, absl::FunctionRef<int64_t(size_t)> element) {
  ListHeader(field, size, kI64);
  for (size_t i = 0; i < size; ++i) ZigZag(element(i));
}

void ThriftWriter::StringList(int field, size_t size, absl::FunctionRef<std::string_view(size_t)> element) {
  ListHeader(field, size, kBinary);
  for (size_t i = 0; i < size; ++i) {
    const std::string_view bytes = element(i);
    Varint(bytes.size());
    out_ += bytes;
  }
}

void ThriftWriter::StructList(int field, size_t size, absl::FunctionRef<void(size_t)> fields) {
  ListHeader(field, size, kStruct);
  for (size_t i = 0; i < size; ++i) Nested([&] { fields(i); });
}

std::string ThriftWriter::Take() {
  out_.push_back(0);
  last_field_ = 0;
  return std::exchange(out_, {});
}

}  // namespace weft
