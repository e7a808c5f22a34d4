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

TEST(IsHtml, LooksBehindAByteOrderMark) {
  EXPECT_TRUE(IsHtml("", std::string_view("\xFF\xFE<\0h\0t\0m\0l\0>\0", 14)));
  EXPECT_TRUE(IsHtml("", std::string_view("\xFE\xFF\0<\0p\0>", 8)));
  EXPECT_FALSE(IsHtml("", std::string_view("\xFF\xFE<\x01h\0t\0m\0l\0>\0", 14)));
  EXPECT_FALSE(IsHtml("", "\xFF\xFE<"));
}

TEST(IsHtml, OfXmlADocumentWhoseRootIsHtml) {
  const std::string page = "<?xml version='1.0'?><!-- > --><!DOCTYPE html><html lang='en' xmlns='http://www.w3.org/1999/xhtml'>";
  for (const char* type : {"text/xml", "Application/XML", "application/foo+xml", "", "*/*"}) {
    EXPECT_TRUE(IsHtml(type, page)) << type;
    EXPECT_TRUE(IsXhtml(type, page)) << type;
  }
  EXPECT_TRUE(IsXhtml("text/xml", "<x:html xmlns:x=\"http://www.w3.org/1999/xhtml\"/>"));
  EXPECT_FALSE(IsHtml("text/xml", "<html>"));
  EXPECT_FALSE(IsHtml("text/xml", "<rss xmlns='http://www.w3.org/1999/xhtml'>"));
  EXPECT_FALSE(IsHtml("text/xml", "<feed/><html xmlns='http://www.w3.org/1999/xhtml'>"));
  EXPECT_FALSE(IsHtml("text/xml", "<!-- <html xmlns='http://www.w3.org/1999/xhtml'>"));
  EXPECT_FALSE(IsHtml("text/xml", ""));
  EXPECT_FALSE(IsHtml("text/plain", page));
}

TEST(IsXhtml, IsNotWhatIsSentAsHtml) {
  EXPECT_FALSE(IsXhtml("text/html", "<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'>"));
  EXPECT_FALSE(IsXhtml("", "<html xmlns='http://www.w3.org/1999/xhtml'>"));
  EXPECT_TRUE(IsXhtml("Application/XHTML+xml", ""));
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
