#include "common/http_message.h"

#include <brotli/encode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include "common/random.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

HttpHead Parse(std::string_view bytes) {
  auto head = HttpHead::ParseResponse(bytes);
  EXPECT_TRUE(head.ok()) << head.status();
  return head.ok() ? *head : HttpHead();
}

// ---- coders, to make input ----

std::string Deflated(std::string_view text, int window_bits) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}
std::string Gzip(std::string_view text) { return Deflated(text, 31); }

std::string Brotli(std::string_view text) {
  size_t size = BrotliEncoderMaxCompressedSize(text.size()) + 64;
  std::string out(size, '\0');
  EXPECT_TRUE(BrotliEncoderCompress(5, 22, BROTLI_MODE_GENERIC, text.size(),
                                    reinterpret_cast<const uint8_t*>(text.data()), &size,
                                    reinterpret_cast<uint8_t*>(out.data())));
  out.resize(size);
  return out;
}

std::string Zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

std::string PageText() {
  std::string text;
  for (int i = 0; i < 9000; ++i) text += "<p>line " + std::to_string(i * 7919 % 10007) + "</p>\n";
  return text;
}

Decoded Decode(std::string_view coding, std::string_view payload, const DecodeLimits& limits = {}) {
  const std::string bytes = "HTTP/1.1 200 OK\r\nContent-Encoding: " + std::string(coding) + "\r\n\r\n";
  return DecodeContent(Parse(bytes), payload, limits);
}

// ---- head ----

TEST(HttpHead, StatusLineAndFields) {
  const HttpHead head = Parse("HTTP/1.1 404 Not Found\r\nContent-Type:  text/html \r\nX: a:b\r\n\r\nbody: no\r\n");
  EXPECT_EQ(head.status(), 404);
  EXPECT_EQ(head.version(), "HTTP/1.1");
  EXPECT_EQ(head.Get("content-type"), "text/html");
  EXPECT_EQ(head.Get("X"), "a:b");
  EXPECT_FALSE(head.Has("body"));
}

TEST(HttpHead, StatusWithoutReasonOrWithOtherVersions) {
  EXPECT_EQ(Parse("HTTP/1.0 200\r\n\r\n").status(), 200);
  EXPECT_EQ(Parse("HTTP/2 301 \r\n\r\n").version(), "HTTP/2");
  EXPECT_EQ(Parse("\r\nhttp/1.1  204 x\n\n").status(), 204);
}

TEST(HttpHead, RequestLineHasStatusZero) {
  const HttpHead head = Parse("GET /a b HTTP/1.1\r\nHost: example.org\r\n\r\n");
  EXPECT_EQ(head.status(), 0);
  EXPECT_EQ(head.version(), "HTTP/1.1");
  EXPECT_EQ(head.Get("host"), "example.org");
}

TEST(HttpHead, OtherFirstLinesAreRefused) {
  for (const char* bytes : {"", "\r\n\r\n", "HTTP/1.1", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
                            "HTTP/1.1 abc\r\n\r\n", "<html>\r\n\r\n", "ICY 200 OK\r\n\r\n"}) {
    EXPECT_FALSE(HttpHead::ParseResponse(bytes).ok()) << bytes;
  }
}

TEST(HttpHead, BareLineFeedsFoldsAndLinesWithoutColon) {
  const HttpHead head = Parse("HTTP/1.1 200 OK\nA: one\n\ttwo\nnonsense\nB : 2\n: nameless\nC:\n\nD: body");
  EXPECT_EQ(head.fields().size(), 3u);
  EXPECT_EQ(head.Get("A"), "one\n\ttwo");
  EXPECT_EQ(head.Get("B"), "2");
  EXPECT_TRUE(head.Has("C"));
  EXPECT_EQ(head.Get("C"), "");
  EXPECT_FALSE(head.Has("D"));
}

TEST(HttpHead, MissingEmptyLineIsTolerated) { EXPECT_EQ(Parse("HTTP/1.1 200 OK\r\nA: 1").Get("a"), "1"); }

TEST(HttpHead, ListsJoinRepeatsAndKeepQuotedCommas) {
  const HttpHead head = Parse("HTTP/1.1 200 OK\r\nX: a, ,b\r\nx: \"c, \\\" d\",e,\r\nY: 1\r\n\r\n");
  EXPECT_THAT(head.List("X"), ElementsAre("a", "b", "\"c, \\\" d\"", "e"));
  EXPECT_THAT(head.List("Z"), IsEmpty());
}

TEST(ContentType, EssenceIsLowerCaseWithoutParameters) {
  EXPECT_EQ(MimeEssence("Text/HTML; charset=utf-8"), "text/html");
  EXPECT_EQ(MimeEssence(" text/html , text/plain"), "text/html");
  for (const char* none : {"", "html", "/", "text/", "text /html", ";text/html"}) EXPECT_EQ(MimeEssence(none), "") << none;
}

TEST(ContentType, CharsetIsUnquoted) {
  EXPECT_EQ(CharsetParameter("text/html; charset=UTF-8"), "UTF-8");
  EXPECT_EQ(CharsetParameter("text/html;a=\"x;charset=no\"; CHARSET = \"iso-8859-\\1\" ;b"), "iso-8859-1");
  EXPECT_EQ(CharsetParameter("text/html; charset='utf-8'"), "utf-8");
  EXPECT_EQ(CharsetParameter("text/html;;x;charset=koi8-r"), "koi8-r");
  EXPECT_EQ(CharsetParameter("text/html"), "");
  EXPECT_EQ(CharsetParameter("text/html; charset"), "");
  EXPECT_EQ(CharsetParameter("text/html; charset="), "");
}

// ---- transfer coding ----

TEST(Dechunk, JoinsChunksAndDropsExtensionsAndTrailers) {
  const Dechunked out = Dechunk("4;ext=\"x\"\r\nWiki\r\nA \r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n");
  EXPECT_EQ(out.body, "Wiki0123456789");
  EXPECT_TRUE(out.complete);
}

TEST(Dechunk, TakesBareLineFeeds) {
  const Dechunked out = Dechunk("3\nabc\n0\n\n");
  EXPECT_EQ(out.body, "abc");
  EXPECT_TRUE(out.complete);
}

TEST(Dechunk, EveryCutBeforeTheLastChunkIsIncompleteAndKeepsWhatCame) {
  const std::string wire = "5\r\nhello\r\n6\r\n world\r\n0\r\n";
  for (size_t size = 0; size < wire.size(); ++size) {
    const Dechunked out = Dechunk(std::string_view(wire).substr(0, size));
    EXPECT_FALSE(out.complete) << size;
    EXPECT_EQ(out.body, std::string("hello world").substr(0, out.body.size())) << size;
  }
  EXPECT_TRUE(Dechunk(wire).complete);
}

TEST(Dechunk, MalformedSizesEndTheBody) {
  for (const char* wire : {"3\r\nabc\r\nxyz\r\n", "3\r\nabcd\r\n0\r\n\r\n", "3\r\nabc\r\n-1\r\n",
                           "3\r\nabc\r\nFFFFFFFFFFFFFFFFF\r\n", "3\r\nabc\r\n2 2\r\nxx\r\n0\r\n\r\n"}) {
    const Dechunked out = Dechunk(wire);
    EXPECT_EQ(out.body, "abc") << wire;
    EXPECT_FALSE(out.complete) << wire;
  }
}

TEST(Dechunk, HugeSizeTakesWhatIsThere) {
  const Dechunked out = Dechunk("FFFFFFFFFFFFFFFF\r\nabc");
  EXPECT_EQ(out.body, "abc");
  EXPECT_FALSE(out.complete);
}

struct Payload {
  std::string bytes;
  bool complete;
};
Payload Extract(std::string_view fields, std::string_view body, int status = 200) {
  const std::string bytes = "HTTP/1.1 " + std::to_string(status) + " x\r\n" + std::string(fields) + "\r\n";
  PayloadView view;
  ExtractPayload(Parse(bytes), body, view);
  return {std::string(view.payload), view.complete};
}

TEST(ExtractPayload, PlainBodyIsNotCopied) {
  const std::string body = "hello";
  PayloadView view;
  ExtractPayload(Parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), body, view);
  EXPECT_EQ(view.payload.data(), body.data());
  EXPECT_TRUE(view.complete);
}

TEST(ExtractPayload, ShorterThanContentLengthIsIncomplete) {
  EXPECT_FALSE(Extract("Content-Length: 6\r\n", "hello").complete);
  EXPECT_TRUE(Extract("Content-Length: 4\r\n", "hello").complete);
  EXPECT_TRUE(Extract("Content-Length: six\r\n", "hello").complete);
  EXPECT_TRUE(Extract("Content-Length: 6\r\n", "", 304).complete);
}

TEST(ExtractPayload, ChunkedBeatsContentLength) {
  const Payload out = Extract("Content-Length: 99\r\nTransfer-Encoding: Chunked\r\n", "3\r\nabc\r\n0\r\n\r\n");
  EXPECT_EQ(out.bytes, "abc");
  EXPECT_TRUE(out.complete);
}

TEST(ExtractPayload, BodyThatOnlyClaimsToBeChunkedIsTakenAsItIs) {
  const Payload out = Extract("Transfer-Encoding: chunked\r\n", "<html>");
  EXPECT_EQ(out.bytes, "<html>");
  EXPECT_FALSE(out.complete);
}

TEST(ExtractPayload, CompressionAsTransferCodingIsUndone) {
  const std::string coded = Gzip("hello");
  const std::string wire = std::string(1, "0123456789abcdefghijklmnopqrstuvwxyz"[coded.size() / 16]) +
                           std::string(1, "0123456789abcdef"[coded.size() % 16]) + "\r\n" + coded + "\r\n0\r\n\r\n";
  const Payload out = Extract("Transfer-Encoding: gzip, chunked\r\n", wire);
  EXPECT_EQ(out.bytes, "hello");
  EXPECT_TRUE(out.complete);
}

// ---- content coding ----

TEST(DecodeContent, EveryCodingComesBack) {
  const std::string text = PageText();
  const std::pair<const char*, std::string> cases[] = {
      {"gzip", Gzip(text)}, {"x-gzip", Gzip(text)},   {"GZIP", Gzip(text)}, {"deflate", Deflated(text, 15)},
      {"deflate", Deflated(text, -15)}, {"br", Brotli(text)}, {"zstd", Zstd(text)}, {"identity", text}};
  for (const auto& [name, coded] : cases) {
    const Decoded out = Decode(name, coded);
    EXPECT_EQ(out.body, text) << name;
    EXPECT_TRUE(out.complete) << name;
    EXPECT_EQ(out.problem, "") << name;
  }
}

TEST(DecodeContent, EveryCodingOfNothingComesBack) {
  for (const auto& [name, coded] : {std::pair{"gzip", Gzip("")}, {"deflate", Deflated("", 15)}, {"br", Brotli("")}, {"zstd", Zstd("")}}) {
    EXPECT_TRUE(Decode(name, coded).complete) << name;
    EXPECT_EQ(Decode(name, coded).body, "") << name;
  }
  EXPECT_TRUE(Decode("gzip", "").complete);
}

TEST(DecodeContent, StackedCodingsAreUndoneFromTheLast) {
  EXPECT_EQ(Decode("br, gzip", Gzip(Brotli("hello"))).body, "hello");
  EXPECT_EQ(Decode("identity, gzip, identity", Gzip("hello")).body, "hello");
}

TEST(DecodeContent, TooManyCodingsAreRefused) {
  const Decoded out = Decode("gzip, gzip, gzip", Gzip(Gzip(Gzip("hello"))));
  EXPECT_FALSE(out.complete);
  EXPECT_THAT(out.problem, HasSubstr("limit"));
}

TEST(DecodeContent, CutInputKeepsWhatCame) {
  const std::string text = PageText();
  for (const auto& [name, coded] : {std::pair{"gzip", Gzip(text)}, {"deflate", Deflated(text, 15)},
                                    {"deflate", Deflated(text, -15)}, {"br", Brotli(text)}}) {
    const Decoded out = Decode(name, std::string_view(coded).substr(0, coded.size() * 3 / 4));
    EXPECT_FALSE(out.complete) << name;
    EXPECT_THAT(out.problem, HasSubstr("cut short")) << name;
    EXPECT_GT(out.body.size(), text.size() / 4) << name;
    EXPECT_EQ(out.body, text.substr(0, out.body.size())) << name;
  }
  const std::string coded = Zstd(text);
  const Decoded out = Decode("zstd", std::string_view(coded).substr(0, coded.size() - 1));
  EXPECT_FALSE(out.complete);
  EXPECT_EQ(out.body, text.substr(0, out.body.size()));
}

TEST(DecodeContent, WrongChecksumKeepsTheBodyAndSaysSo) {
  std::string coded = Gzip("hello");
  coded[coded.size() - 8] ^= 1;
  const Decoded out = Decode("gzip", coded);
  EXPECT_EQ(out.body, "hello");
  EXPECT_FALSE(out.complete);
  EXPECT_THAT(out.problem, HasSubstr("data check"));
}

TEST(DecodeContent, ConcatenatedMembersAndTrailingBytes) {
  EXPECT_EQ(Decode("gzip", Gzip("hello ") + Gzip("world")).body, "hello world");
  const Decoded padded = Decode("gzip", Gzip("hello") + std::string(10, '\0'));
  EXPECT_EQ(padded.body, "hello");
  EXPECT_TRUE(padded.complete);
}

TEST(DecodeContent, LyingHeaderGivesTheBodyAsItIs) {
  for (const char* name : {"gzip", "zstd"}) {
    const Decoded out = Decode(name, "<html>plain");
    EXPECT_EQ(out.body, "<html>plain") << name;
    EXPECT_FALSE(out.complete) << name;
    EXPECT_THAT(out.problem, HasSubstr("not coded")) << name;
  }
}

TEST(DecodeContent, UnknownCodingIsNamed) {
  const Decoded out = Decode("foo", "data");
  EXPECT_EQ(out.problem, "unknown content coding: foo");
  EXPECT_FALSE(out.complete);
  EXPECT_EQ(out.body, "data");
}

TEST(DecodeContent, BytesAreLimited) {
  const std::string text = PageText();
  DecodeLimits limits;
  limits.max_bytes = 70'000;
  for (const auto& [name, coded] : {std::pair{"gzip", Gzip(text)}, {"deflate", Deflated(text, 15)},
                                    {"br", Brotli(text)}, {"zstd", Zstd(text)}, {"identity", text}}) {
    const Decoded out = Decode(name, coded, limits);
    EXPECT_EQ(out.body, text.substr(0, 70'000)) << name;
    EXPECT_FALSE(out.complete) << name;
    EXPECT_THAT(out.problem, HasSubstr("limit: more than 70000 bytes")) << name;
  }
}

TEST(DecodeContent, RatioIsLimitedBeyondTheFirstMebibyte) {
  const std::string zeros(20'000'000, 'a');
  DecodeLimits limits;
  limits.max_ratio = 100;
  const Decoded bomb = Decode("gzip", Gzip(zeros), limits);
  EXPECT_THAT(bomb.problem, HasSubstr("limit: ratio"));
  EXPECT_LT(bomb.body.size(), 4'000'000u);
  EXPECT_TRUE(Decode("gzip", Gzip(zeros.substr(0, 1'000'000)), limits).complete);
}

TEST(DecodeContent, RatioOfStackedCodingsCountsFromTheWire) {
  const Decoded bomb = Decode("gzip, gzip", Gzip(Gzip(std::string(50'000'000, 'a'))));
  EXPECT_THAT(bomb.problem, HasSubstr("limit: ratio"));
  EXPECT_LT(bomb.body.size(), 4'000'000u);
}

TEST(DecodeContent, ZstdWindowIsBounded) {
  // Frame header (RFC 8878 section 3.1.1.1): no single segment, window descriptor of exponent 17: 128 MiB.
  const Decoded out = Decode("zstd", std::string("\x28\xb5\x2f\xfd\x00\x88\x01\x00\x00", 9));
  EXPECT_FALSE(out.complete);
  EXPECT_THAT(out.problem, HasSubstr("zstd"));
}

// ---- any bytes ----

TEST(HttpMessage, MutatedMessagesNeverHarm) {
  constexpr uint64_t kSeed = 20260102;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  const auto random = SeededRandom(kSeed);
  const std::string text = PageText().substr(0, 3000);
  const std::pair<std::string, std::string> samples[] = {
      {"gzip", Gzip(text)}, {"deflate", Deflated(text, 15)}, {"deflate", Deflated(text, -15)}, {"br", Brotli(text)},
      {"zstd", Zstd(text)}, {"gzip, br", Brotli(Gzip(text))}};
  DecodeLimits limits;
  limits.max_bytes = 100'000;
  for (int round = 0; round < 3000; ++round) {
    const auto& [name, coded] = samples[random->Below(std::size(samples))];
    std::string head = "HTTP/1.1 200 OK\r\nContent-Encoding: " + name + "\r\nTransfer-Encoding: chunked\r\n\r\n";
    std::string body = coded;
    for (uint64_t flips = random->Below(4); flips > 0; --flips) body[random->Below(body.size())] = static_cast<char>(random->Next());
    if (random->Below(3) == 0) head[random->Below(head.size())] = static_cast<char>(random->Next());
    std::string wire = "40\r\n" + body.substr(0, 64) + "\r\nfff\r\n" + body.substr(64) + "\r\n0\r\n\r\n";
    if (random->Below(3) == 0) wire[random->Below(70)] = static_cast<char>(random->Next());
    EXPECT_LE(DecodeContent(Parse("HTTP/1.1 200 OK\r\nContent-Encoding: " + name + "\r\n\r\n"), body, limits).body.size(), limits.max_bytes);
    const auto parsed = HttpHead::ParseResponse(head);
    if (!parsed.ok()) continue;
    PayloadView view;
    ExtractPayload(*parsed, wire, view);
    EXPECT_LE(view.payload.size(), wire.size());
  }
}

}  // namespace
}  // namespace weft
