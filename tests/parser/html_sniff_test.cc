#include "parser/html_sniff.h"

#include <gtest/gtest.h>

#include <string>

namespace weft {
namespace {

TEST(IsHtml, BelievesTheType) {
  EXPECT_TRUE(IsHtml("text/html", "%PDF-1.4"));
  EXPECT_TRUE(IsHtml("Application/XHTML+xml", ""));
  EXPECT_FALSE(IsHtml("text/plain", "<!doctype html>"));
  EXPECT_FALSE(IsHtml("application/octet-stream", "<html>"));
  EXPECT_FALSE(IsHtml("image/png", "<html>"));
}

TEST(IsHtml, LooksAtTheBytesWhereThereIsNoType) {
  EXPECT_TRUE(IsHtml("", " \r\n\t<!DocType HTML>"));
  EXPECT_TRUE(IsHtml("", "<h1>x"));
  EXPECT_TRUE(IsHtml("", "<!-- >"));
  EXPECT_TRUE(IsHtml("", "\xEF\xBB\xBF<html lang=en>"));
  EXPECT_FALSE(IsHtml("", "plain <b>text"));
  EXPECT_FALSE(IsHtml("", "<?xml version='1.0'?>"));
  EXPECT_FALSE(IsHtml("", ""));
}

TEST(IsHtml, ASignatureEndsWithSpaceOrGreaterThan) {
  EXPECT_FALSE(IsHtml("", "<htmlx>"));
  EXPECT_FALSE(IsHtml("", "<html"));
  EXPECT_FALSE(IsHtml("", "<b/>"));
}

TEST(IsHtml, LooksNoFurtherThanTheStandardDoes) {
  EXPECT_TRUE(IsHtml("", std::string(1400, ' ') + "<html>"));
  EXPECT_FALSE(IsHtml("", std::string(1445, ' ') + "<html>"));
}

}  // namespace
}  // namespace weft
