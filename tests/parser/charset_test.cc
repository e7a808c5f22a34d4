#include "parser/charset.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace weft {
namespace {

void ExpectSniffed(std::string_view html, std::string_view content_type, std::string_view name, CharsetSource source) {
  const Charset charset = SniffCharset(html, content_type);
  EXPECT_EQ(charset.name, name) << html;
  EXPECT_EQ(charset.source, source) << html;
}

TEST(EncodingFromLabel, TrimsAndIgnoresCase) {
  EXPECT_EQ(EncodingFromLabel(" \tUTF8\r\n"), "UTF-8");
  EXPECT_EQ(EncodingFromLabel("ISO-8859-1"), "windows-1252");
  EXPECT_EQ(EncodingFromLabel("gb2312"), "GBK");
  EXPECT_EQ(EncodingFromLabel("utf-7"), "");
  EXPECT_EQ(EncodingFromLabel(""), "");
  EXPECT_EQ(EncodingFromLabel(std::string(1000, 'x')), "");
}

TEST(SniffCharset, AByteOrderMarkBeatsTheHeader) {
  ExpectSniffed("\xEF\xBB\xBFx", "text/html; charset=koi8-r", "UTF-8", CharsetSource::kBom);
  ExpectSniffed("\xFF\xFEx", "", "UTF-16LE", CharsetSource::kBom);
  ExpectSniffed("\xFE\xFFx", "", "UTF-16BE", CharsetSource::kBom);
}

TEST(SniffCharset, TheHeaderBeatsMeta) {
  ExpectSniffed("<meta charset=big5>", "text/html; charset=\"KOI8-R\"", "KOI8-R", CharsetSource::kHeader);
}

TEST(SniffCharset, AnUnknownHeaderLabelIsPassedOver) {
  ExpectSniffed("<meta charset=big5>", "text/html; charset=nonsense", "Big5", CharsetSource::kMeta);
}

TEST(SniffCharset, MetaBeatsDetection) {
  ExpectSniffed("<meta charset=latin2>\xC3\xA9\xC3\xA9", "", "ISO-8859-2", CharsetSource::kMeta);
}

TEST(SniffCharset, AMetaBeyondTheStandardsPrescanIsALateOne) {
  const auto after = [](size_t size) { return std::string(size, ' ') + "<meta charset=big5>"; };
  ExpectSniffed(after(1024 - 19), "", "Big5", CharsetSource::kMeta);
  ExpectSniffed(after(1024 - 18), "", "Big5", CharsetSource::kLateMeta);
  ExpectSniffed(after(5000), "", "Big5", CharsetSource::kLateMeta);
  ExpectSniffed("<meta charset=big5>" + std::string(5000, ' '), "", "Big5", CharsetSource::kMeta);
}

TEST(SniffCharset, AnXmlDeclarationComesAfterMeta) {
  ExpectSniffed("<?xml version=\"1.0\" encoding=\"latin2\"?><p>", "", "ISO-8859-2", CharsetSource::kXmlDeclaration);
  ExpectSniffed("<?xml encoding\n = 'latin2' ?>\xC3\xA9", "", "ISO-8859-2", CharsetSource::kXmlDeclaration);
  ExpectSniffed("<?xml encoding='latin2'?><meta charset=big5>", "", "Big5", CharsetSource::kMeta);
  ExpectSniffed("<?xml encoding='latin2'?>", "text/html; charset=koi8-r", "KOI8-R", CharsetSource::kHeader);
  ExpectSniffed("<?xml encoding='utf-16'?>", "", "UTF-8", CharsetSource::kXmlDeclaration);
  ExpectSniffed(std::string_view("<\0?\0x\0m\0l\0", 10), "", "UTF-16LE", CharsetSource::kXmlDeclaration);
  ExpectSniffed(std::string_view("\0<\0?\0x\0m\0l", 10), "", "UTF-16BE", CharsetSource::kXmlDeclaration);
}

TEST(SniffCharset, ABrokenXmlDeclarationTellsNothing) {
  for (const char* page : {" <?xml encoding='latin2'?>", "<?XML encoding='latin2'?>", "<?xml encoding='latin2'", "<?xml encoding=latin2?>",
                           "<?xml encoding='la tin2'?>", "<?xml encoding='latin2?>", "<?xml?> encoding='latin2'", "<?xml encoding='x'?>",
                           "<?xml encoding>", "<?xml encoding=>", "<?xml"}) {
    ExpectSniffed(page, "", "windows-1252", CharsetSource::kDefault);
  }
}

TEST(SniffCharset, MetaContentNeedsItsHttpEquiv) {
  ExpectSniffed("<meta content='text/html; charset=big5'>", "", "windows-1252", CharsetSource::kDefault);
  ExpectSniffed("<meta content='text/html; charset=big5' http-equiv=Content-Type>", "", "Big5", CharsetSource::kMeta);
}

TEST(SniffCharset, Utf16InMetaMeansUtf8AndUserDefinedMeansWindows1252) {
  ExpectSniffed("<meta charset=utf-16be>", "", "UTF-8", CharsetSource::kMeta);
  ExpectSniffed("<meta charset=x-user-defined>", "", "windows-1252", CharsetSource::kMeta);
}

TEST(SniffCharset, AMetaInACommentDoesNotCount) {
  ExpectSniffed("<!-- <meta charset=big5> --><meta charset=euc-kr>", "", "EUC-KR", CharsetSource::kMeta);
}

TEST(SniffCharset, AMetaThatTheBytesCutDoesNotCount) {
  ExpectSniffed("<meta charset=big5", "", "windows-1252", CharsetSource::kDefault);
}

TEST(SniffCharset, WellFormedUtf8IsDetectedEvenIfCut) {
  ExpectSniffed("<p>caf\xC3\xA9", "", "UTF-8", CharsetSource::kDetected);
  ExpectSniffed("<p>caf\xC3\xA9 \xE6\x97", "", "UTF-8", CharsetSource::kDetected);
}

TEST(SniffCharset, ALongRussianTextIsDetected) {
  // "Съешь же ещё этих мягких французских булок, да выпей чаю" in windows-1251, several times.
  std::string html = "<p>";
  for (int i = 0; i < 5; ++i) {
    html += "\xD1\xFA\xE5\xF8\xFC \xE6\xE5 \xE5\xF9\xB8 \xFD\xF2\xE8\xF5 \xEC\xFF\xE3\xEA\xE8\xF5 "
            "\xF4\xF0\xE0\xED\xF6\xF3\xE7\xF1\xEA\xE8\xF5 \xE1\xF3\xEB\xEE\xEA, \xE4\xE0 \xE2\xFB\xEF\xE5\xE9 \xF7\xE0\xFE. ";
  }
  ExpectSniffed(html, "", "windows-1251", CharsetSource::kDetected);
}

TEST(SniffCharset, AFewStrayBytesAreNotWorthAGuess) {
  ExpectSniffed("<p>caf\xE9", "", "windows-1252", CharsetSource::kDefault);
  ExpectSniffed("", "", "windows-1252", CharsetSource::kDefault);
}

TEST(DecodeToUtf8, BrokenUtf8GivesOneReplacementForEachMaximalSubpart) {
  EXPECT_EQ(DecodeToUtf8("a\xC0\x80z\xE1\x80y\xF0\x80\x80", "UTF-8"),
            "a\uFFFD\uFFFDz\uFFFDy\uFFFD\uFFFD\uFFFD");
}

TEST(DecodeToUtf8, DropsTheByteOrderMark) {
  EXPECT_EQ(DecodeToUtf8("\xEF\xBB\xBFx", "UTF-8"), "x");
  EXPECT_EQ(DecodeToUtf8(std::string_view("\xFF\xFEx\0", 4), "UTF-16LE"), "x");
}

TEST(DecodeToUtf8, PairsSurrogatesOfUtf16AndReplacesLoneOnes) {
  EXPECT_EQ(DecodeToUtf8(std::string_view("\xD8\x3D\0x", 4), "UTF-16BE"), "\uFFFDx");
  EXPECT_EQ(DecodeToUtf8(std::string_view("\xD8\x3D\xDE\x00", 4), "UTF-16BE"), "\U0001F600");
}

TEST(DecodeToUtf8, SurrogatePairsSurviveThePieceBoundary) {
  std::string bytes = std::string("\0x", 2);
  std::string expected = "x";
  for (int i = 0; i < 5'000; ++i) {
    bytes += std::string_view("\xD8\x3D\xDE\x00", 4);
    expected += "\U0001F600";
  }
  EXPECT_EQ(DecodeToUtf8(bytes, "UTF-16BE"), expected);
}

TEST(DecodeToUtf8, KnowsEveryEncodingOfTheStandard) {
  for (const std::string_view name :
       {"Big5", "EUC-JP", "EUC-KR", "GBK", "IBM866", "ISO-8859-10", "ISO-8859-13", "ISO-8859-14", "ISO-8859-15",
        "ISO-8859-16", "ISO-8859-2", "ISO-8859-3", "ISO-8859-4", "ISO-8859-5", "ISO-8859-6", "ISO-8859-7", "ISO-8859-8",
        "ISO-8859-8-I", "KOI8-R", "KOI8-U", "Shift_JIS", "gb18030", "macintosh", "windows-1250", "windows-1251",
        "windows-1252", "windows-1253", "windows-1254", "windows-1255", "windows-1256", "windows-1257", "windows-1258",
        "windows-874", "x-mac-cyrillic", "x-user-defined"}) {
    std::string bytes;
    for (int byte = 0x80; byte < 0x100; ++byte) bytes += {static_cast<char>(byte), ' ', 'a'};
    const std::string text = DecodeToUtf8(bytes, name);
    size_t replaced = 0;
    for (size_t at = text.find("\uFFFD"); at != text.npos; at = text.find("\uFFFD", at + 3)) ++replaced;
    const bool multi_byte = name == "Big5" || name.starts_with("EUC") || name.starts_with("GB") || name == "gb18030" ||
                            name == "Shift_JIS";
    // Even ISO-8859-6, the emptiest, maps all but 45.
    EXPECT_TRUE(multi_byte || replaced <= 45U) << name << " " << replaced;
    EXPECT_EQ(std::count(text.begin(), text.end(), 'a'), 128) << name << ": ASCII is never swallowed";
  }
}

TEST(DecodeToUtf8, C1BytesOfWindows1252StandForThemselves) {
  EXPECT_EQ(DecodeToUtf8("\x80\x81\x9D", "windows-1252"), "\u20AC\xC2\x81\xC2\x9D");
}

TEST(DecodeToUtf8, GbkAndGb18030ReadTheEuroByteAndFourBytes) {
  EXPECT_EQ(DecodeToUtf8("\x80\x81\x30\x81\x30", "GBK"), "\u20AC\xC2\x80");
  EXPECT_EQ(DecodeToUtf8("\x80", "gb18030"), "\u20AC");
}

TEST(DecodeToUtf8, BigFiveIncludesItsHongKongCharacters) { EXPECT_EQ(DecodeToUtf8("\x87\x40", "Big5"), "\u43F0"); }

TEST(DecodeToUtf8, ShiftJisKeepsBackslashAndTilde) { EXPECT_EQ(DecodeToUtf8("\\~\xB1", "Shift_JIS"), "\\~\uFF71"); }

TEST(DecodeToUtf8, Iso2022JpFollowsItsEscapes) {
  EXPECT_EQ(DecodeToUtf8("a\x1B$B\x46\x7C\x1B(Bb", "ISO-2022-JP"), "a\u65E5" "b");
}

TEST(DecodeToUtf8, UserDefinedBytesGoToThePrivateArea) { EXPECT_EQ(DecodeToUtf8("\x80\xFF", "x-user-defined"), "\uF780\uF7FF"); }

TEST(DecodeToUtf8, TheReplacementEncodingGivesOneCharacter) {
  EXPECT_EQ(DecodeToUtf8("<script>", "replacement"), "\uFFFD");
  EXPECT_EQ(DecodeToUtf8("", "replacement"), "");
}

TEST(Utf8View, DoesNotCopyWhatIsUtf8Already) {
  const std::string html = "\xEF\xBB\xBF<p>\xC3\xA9";
  std::string storage;
  EXPECT_EQ(Utf8View(html, "UTF-8", &storage).data(), html.data() + 3);
  const std::string ascii = "<p>";
  EXPECT_EQ(Utf8View(ascii, "windows-1252", &storage).data(), ascii.data());
  EXPECT_TRUE(storage.empty());
}

TEST(Utf8View, CopiesWhatIsNot) {
  std::string storage;
  EXPECT_EQ(Utf8View("\xE9", "windows-1252", &storage), "\u00E9");
  EXPECT_EQ(Utf8View("\xE9", "UTF-8", &storage), "\uFFFD");
}

TEST(EncodeQuery, WritesThePagesBytes) {
  EXPECT_EQ(EncodeQuery("q=\u041A\u043D", "windows-1251"), "q=\xCA\xED");
  EXPECT_EQ(EncodeQuery("\u0219", "ISO-8859-16"), "\xBA");
  EXPECT_EQ(EncodeQuery("\uF780", "x-user-defined"), "\x80");
  EXPECT_EQ(EncodeQuery("\u20AC", "GBK"), "\x80");
}

TEST(EncodeQuery, EscapesWhatTheEncodingLacks) {
  EXPECT_EQ(EncodeQuery("a\u20ACb", "ISO-8859-2"), "a&#8364;b");
  EXPECT_EQ(EncodeQuery("\U0001F600", "Shift_JIS"), "&#128512;");
  EXPECT_EQ(EncodeQuery("\u20AC", "x-user-defined"), "&#8364;");
}

TEST(EncodeQuery, Utf16AndReplacementMeanUtf8) {
  EXPECT_EQ(EncodeQuery("\u00E9", "UTF-16LE"), "\u00E9");
  EXPECT_EQ(EncodeQuery("\u00E9", "replacement"), "\u00E9");
}

TEST(EncodeQuery, JapaneseEncodersSubstitute) {
  EXPECT_EQ(EncodeQuery("\u2212\u00A5\u203E", "Shift_JIS"), "\x81\x7C\\~");
}

}  // namespace
}  // namespace weft
