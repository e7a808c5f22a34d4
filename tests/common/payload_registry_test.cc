#include "common/payload_registry.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace weft {
namespace {

TEST(PayloadRegistryTest, FindsExactlyWhatIsHeldAsOftenAsItIsHeld) {
  PayloadRegistry registry;
  const auto body = std::make_shared<const std::string>(10, 'x');
  EXPECT_EQ(registry.Find(body->data(), 10), nullptr);
  registry.Hold(body);
  registry.Hold(body);
  EXPECT_EQ(registry.Find(body->data(), 10), body);
  EXPECT_EQ(registry.Find(body->data(), 9), nullptr);
  EXPECT_EQ(registry.Find(body->data() + 1, 10), nullptr);
  registry.Release(body->data());
  EXPECT_EQ(registry.Find(body->data(), 10), body);
  registry.Release(body->data());
  registry.Release(body->data());
  EXPECT_EQ(registry.Find(body->data(), 10), nullptr);
  EXPECT_EQ(registry.size(), 0u);
  EXPECT_EQ(body.use_count(), 1);
}

}  // namespace
}  // namespace weft
