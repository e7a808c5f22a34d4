#include "common/big_endian.h"

#include <gtest/gtest.h>

#include <string>

namespace weft {
namespace {

TEST(BigEndian, TheHighestByteComesFirst) {
  std::string bytes(8, '\0');
  StoreBigEndian(uint64_t{0x0102030405060708}, bytes.data());
  EXPECT_EQ(bytes, "\x01\x02\x03\x04\x05\x06\x07\x08");
  StoreBigEndian(uint16_t{0xfffe}, bytes.data() + 3);
  EXPECT_EQ(bytes, "\x01\x02\x03\xff\xfe\x06\x07\x08");
  StoreBigEndian(uint8_t{9}, bytes.data());
  EXPECT_EQ(bytes[0], 9);
}

TEST(BigEndian, ReadsWhatItWrotePastAnyAlignment) {
  std::string bytes(16, '\0');
  for (size_t at = 0; at < 8; ++at) {
    StoreBigEndian(uint32_t{0xdeadbeef}, bytes.data() + at);
    EXPECT_EQ(LoadBigEndian<uint32_t>(bytes.data() + at), 0xdeadbeefu);
    StoreBigEndian(UINT64_MAX - at, bytes.data() + at);
    EXPECT_EQ(LoadBigEndian<uint64_t>(bytes.data() + at), UINT64_MAX - at);
  }
  EXPECT_EQ(LoadBigEndian<uint8_t>("\x80"), 0x80);
}

}  // namespace
}  // namespace weft
