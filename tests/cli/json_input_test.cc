#include "cli/json_input.h"

#include <gmock/gmock.h>

#include "common/status.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

// The text of member "a"; for errors, their message.
std::string A(std::string_view line) {
  const auto input = ReadJsonInput(line);
  if (!input.ok()) return ErrorText(input.status());
  const auto text = input->Text("a");
  return text.ok() ? std::string(*text) : ErrorText(text.status());
}

TEST(JsonInput, ReadsTextMembers) {
  EXPECT_EQ(A(R"({"a":"x"})"), "x");
  EXPECT_EQ(A(" {\"b\" : \"y\",\t\"a\":\"\" }\r"), "");
  EXPECT_EQ(A(R"({"a":"\u00e9\ud83d\ude00\"\\\n"})"), "\xC3\xA9\xF0\x9F\x98\x80\"\\\n");
}

TEST(JsonInput, TextMayHoldANulEscape) { EXPECT_EQ(A(R"({"a":"x\u0000y"})"), std::string("x\0y", 3)); }

TEST(JsonInput, TheLastOfANameCounts) {
  EXPECT_EQ(A(R"({"a":"x","a":"y"})"), "y");
  EXPECT_THAT(A(R"({"a":"x","a":null})"), HasSubstr("\"a\" is missing"));
  EXPECT_THAT(A(R"({"a":"x","a":3})"), HasSubstr("a number"));
}

TEST(JsonInput, NamesWhatIsNoText) {
  EXPECT_EQ(A(R"({"a":1})"), "\"a\" is a number, not a string");
  EXPECT_EQ(A(R"({"a":-1.5e3})"), "\"a\" is a number, not a string");
  EXPECT_EQ(A(R"({"a":true})"), "\"a\" is true or false, not a string");
  EXPECT_EQ(A(R"({"a":["x"]})"), "\"a\" is an array, not a string");
  EXPECT_EQ(A(R"({"a":{"a":"x"}})"), "\"a\" is an object, not a string");
  EXPECT_EQ(A(R"({"a":null})"), "\"a\" is missing");
  EXPECT_EQ(A(R"({})"), "\"a\" is missing");
}

TEST(JsonInput, WhatLiesDeeperIsPassedOver) {
  EXPECT_EQ(A(R"({"b":{"a":"deep"},"a":"x","c":[{"a":"deep"},"s",1,null,[]]})"), "x");
}

TEST(JsonInput, HalfASurrogatePairIsTheReplacementCharacter) {
  const std::string replacement = "\xEF\xBF\xBD";
  EXPECT_EQ(A(R"({"a":"\ud800"})"), replacement);
  EXPECT_EQ(A(R"({"a":"\uDFFFx"})"), replacement + "x");
  EXPECT_EQ(A(R"({"a":"\ud800\ud800\udc00"})"), replacement + "\xF0\x90\x80\x80");
  EXPECT_EQ(A(R"({"a":"\udc00\ud800"})"), replacement + replacement);
  EXPECT_EQ(A(R"({"a":"\\ud800"})"), "\\ud800") << "no escape";
}

TEST(JsonInput, OnlyAnObjectWillDo) {
  for (const char* line : {"[]", "[{\"a\":\"x\"}]", "1", "-2.5", "\"a\"", "null", "true", "[[[["}) {
    EXPECT_EQ(A(line), "JSON, but not an object") << line;
  }
}

TEST(JsonInput, OtherLinesAreToldByTheByteThatIsWrong) {
  for (const char* line : {"", " ", "{", "{\"a\"", "{\"a\":\"x\"", "{a:1}", "{\"a\":\"x\"}}", "{\"a\":\"x\"} {}", "{'a':1}",
                           "{\"a\":\"\xff\"}", "{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\x01\"}", "{\"a\":01}", "{\"a\":\"\\x\"}",
                           "{\"a\":\"\\ud8\"}", "\\", "{\"a\":\"\\u", "// x", "{\"a\":1e999}", "\xff\xfe{"}) {
    EXPECT_THAT(A(line), HasSubstr("not JSON: ")) << line;
    EXPECT_THAT(A(line), HasSubstr("byte ")) << line;
  }
}

TEST(JsonInput, NothingMayHideBehindANul) {
  EXPECT_EQ(A(std::string_view("{\"a\":\"x\"}\0{", 11)), "not JSON: byte 10 is a NUL");
}

TEST(JsonInput, DeepNestingCostsNoStackAndLittleMemory) {
  const std::string open(2'000'000, '[');
  EXPECT_THAT(A("{\"a\":" + open), HasSubstr("not JSON"));
  EXPECT_THAT(A("{\"a\":" + open + std::string(open.size(), ']') + "}"), HasSubstr("an array"));
}

TEST(InspectionInput, BytesComeAsTextOrAsBase64ButNotAsBoth) {
  InspectionInput input;
  std::string storage;
  EXPECT_EQ(ErrorText(input.Bytes("body", &storage).status()), "\"body_b64\" is missing (or \"body\", as text)");
  input.Set("body", "x");
  EXPECT_EQ(*input.Bytes("body", &storage), "x");
  input.Set("body_b64", "AP8=");
  EXPECT_THAT(ErrorText(input.Bytes("body", &storage).status()), HasSubstr("leave one out"));
  input.Unset("body");
  EXPECT_EQ(*input.Bytes("body", &storage), std::string_view("\0\xFF", 2));
  input.Set("body_b64", "AP8");
  EXPECT_THAT(ErrorText(input.Bytes("body", &storage).status()), HasSubstr("\"body_b64\": 3 characters"));
}

TEST(Printable, HasNothingThatATerminalObeys) {
  EXPECT_EQ(Printable("a\x1b[31mb\x7f\n\t"), "a?[31mb???");
  EXPECT_EQ(Printable("\xC2\x9B" "31m\xC2\xA9"), "?31m\xC2\xA9");
  EXPECT_EQ(Printable("\xC2"), "\xEF\xBF\xBD");
  EXPECT_EQ(Printable("caf\xE9"), "caf\xEF\xBF\xBD");
}

}  // namespace
}  // namespace weft
