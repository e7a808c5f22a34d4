#include "common/units.h"

#include <gtest/gtest.h>

#include "common/random.h"

namespace weft {
namespace {

absl::Duration Read(std::string_view text) {
  const absl::StatusOr<absl::Duration> duration = ParseDuration(text);
  EXPECT_TRUE(duration.ok()) << text << ": " << duration.status();
  return duration.value_or(absl::InfiniteDuration());
}

uint64_t Bytes(std::string_view text) {
  const absl::StatusOr<uint64_t> size = ParseSize(text);
  EXPECT_TRUE(size.ok()) << text << ": " << size.status();
  return size.value_or(0xdead);
}

TEST(ParseDuration, NumbersWithUnits) {
  EXPECT_EQ(Read("500ms"), absl::Milliseconds(500));
  EXPECT_EQ(Read("2s"), absl::Seconds(2));
  EXPECT_EQ(Read("10m"), absl::Minutes(10));
  EXPECT_EQ(Read("1h30m"), absl::Minutes(90));
  EXPECT_EQ(Read("7d"), absl::Hours(168));
  EXPECT_EQ(Read("1d2h3m4s5ms6us7ns"),
      absl::Hours(26) + absl::Minutes(3) + absl::Seconds(4) + absl::Nanoseconds(5006007));
  EXPECT_EQ(Read("0"), absl::ZeroDuration());
  EXPECT_EQ(Read("0s"), absl::ZeroDuration());
}

TEST(ParseDuration, AFractionInTheLastNumber) {
  EXPECT_EQ(Read("1.5s"), absl::Milliseconds(1500));
  EXPECT_EQ(Read("0.25ms"), absl::Microseconds(250));
  EXPECT_EQ(Read("1h0.5m"), absl::Minutes(60) + absl::Seconds(30));
}

TEST(ParseDuration, RefusesEverythingElseAndSaysWhatIsAccepted) {
  for (const char* text : {"", "10x", "10", "s", "-1s", "+1s", "1 s", "1s ", "1m1h", "1s1s", "1.s", ".5s", "1.5m3s",
      "1.5",
                           "inf", "1e3s", "00", "1s5", "99999999999999999999s", "0.1234567891s"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  }
  EXPECT_EQ(ParseDuration("10x").status().message(), "'10x': expected a duration such as 500ms, 2s, 10m or 0");
}

TEST(ParseDuration, EndsAtAHundredYears) {
  EXPECT_EQ(Read("36500d"), absl::Hours(24) * 36500);
  EXPECT_EQ(ParseDuration("36500d1ns").status().message(), "'36500d1ns': longer than 100 years");
  EXPECT_EQ(ParseDuration("9999999999999999999h").status().message(), "'9999999999999999999h': longer than 100 years");
}

TEST(FormatDuration, IsShort) {
  EXPECT_EQ(weft::FormatDuration(absl::ZeroDuration()), "0");
  EXPECT_EQ(weft::FormatDuration(absl::Seconds(90)), "1m30s");
  EXPECT_EQ(weft::FormatDuration(absl::Milliseconds(500)), "500ms");
  EXPECT_EQ(weft::FormatDuration(absl::Milliseconds(1500)), "1.5s");
  EXPECT_EQ(weft::FormatDuration(absl::Microseconds(1500)), "1.5ms");
  EXPECT_EQ(weft::FormatDuration(absl::Hours(36)), "1d12h");
  EXPECT_EQ(weft::FormatDuration(absl::Hours(1) + absl::Nanoseconds(1)), "1h1ns");
  EXPECT_EQ(weft::FormatDuration(absl::InfiniteDuration()), "inf");
  EXPECT_EQ(weft::FormatDuration(-absl::Seconds(2)), "-2s");
}

TEST(FormatDuration, ReadsBack) {
  constexpr uint64_t kSeed = 3;
  std::cout << "seed " << kSeed << "\n";
  const std::unique_ptr<Random> random = SeededRandom(kSeed);
  for (int round = 0; round < 20000; ++round) {
    const uint64_t scale = uint64_t{1} << random->Below(61);
    const absl::Duration duration = absl::Nanoseconds(static_cast<int64_t>(random->Below(scale)));
    ASSERT_EQ(Read(weft::FormatDuration(duration)), duration) << weft::FormatDuration(duration);
  }
}

TEST(ParseSize, BinaryAndDecimalUnits) {
  EXPECT_EQ(Bytes("512"), 512u);
  EXPECT_EQ(Bytes("0"), 0u);
  EXPECT_EQ(Bytes("64KiB"), 65536u);
  EXPECT_EQ(Bytes("16MiB"), 16u << 20);
  EXPECT_EQ(Bytes("1GiB"), 1u << 30);
  EXPECT_EQ(Bytes("2TiB"), uint64_t{2} << 40);
  EXPECT_EQ(Bytes("1KB"), 1000u);
  EXPECT_EQ(Bytes("3MB"), 3000000u);
  EXPECT_EQ(Bytes("1GB"), 1000000000u);
  EXPECT_EQ(Bytes("1TB"), 1000000000000u);
  EXPECT_EQ(Bytes("5b"), 5u);
  EXPECT_EQ(Bytes("4kib"), 4096u);
  EXPECT_EQ(Bytes("18446744073709551615"), UINT64_MAX);
}

TEST(ParseSize, RefusesEverythingElse) {
  for (const char* text : {"", "KiB", "-1", "1.5GiB", "1K", "1 KiB", "1KiBs", "1KiB1", "18446744073709551616"}) {
    EXPECT_FALSE(ParseSize(text).ok()) << text;
  }
  EXPECT_EQ(ParseSize("10x").status().message(), "'10x': expected a size such as 512, 64KiB, 16MiB or 1GB");
  EXPECT_EQ(ParseSize("16777216TiB").status().message(), "'16777216TiB': more than 2^64 bytes");
}

TEST(FormatSize, IsExactAndReadsBack) {
  EXPECT_EQ(FormatSize(16 << 20), "16MiB");
  EXPECT_EQ(FormatSize(1000), "1000");
  EXPECT_EQ(FormatSize(65536), "64KiB");
  EXPECT_EQ(FormatSize(0), "0");
  for (uint64_t size : {uint64_t{1}, uint64_t{1023}, uint64_t{1024}, uint64_t{1536}, uint64_t{1} << 63, UINT64_MAX}) {
    EXPECT_EQ(Bytes(FormatSize(size)), size);
  }
}

TEST(HumanSize, RoundsToOneDecimal) {
  EXPECT_EQ(HumanSize(0), "0 B");
  EXPECT_EQ(HumanSize(1023), "1023 B");
  EXPECT_EQ(HumanSize(1024), "1.0 KiB");
  EXPECT_EQ(HumanSize(1468006), "1.4 MiB");
  EXPECT_EQ(HumanSize((1 << 20) - 1), "1.0 MiB");
  EXPECT_EQ(HumanSize(uint64_t{5} << 40), "5.0 TiB");
}

TEST(HumanCount, GroupsByThousands) {
  EXPECT_EQ(HumanCount(0), "0");
  EXPECT_EQ(HumanCount(999), "999");
  EXPECT_EQ(HumanCount(1000), "1,000");
  EXPECT_EQ(HumanCount(12345), "12,345");
  EXPECT_EQ(HumanCount(1234567), "1,234,567");
}

}  // namespace
}  // namespace weft
