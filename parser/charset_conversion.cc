// Conversion between UTF-8 and the encodings of the Encoding standard, by ICU's tables where ICU has them.
#include <unicode/ucnv.h>
#include <unicode/ucnv_cb.h>
#include <unicode/ucnv_err.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/utf8.h"
#include "parser/charset.h"
#include "parser/utf8.h"

namespace weft {
namespace {

struct ConverterNames {
  std::string_view encoding;
  const char* decoder;
  const char* encoder;
};

// Where ICU's own choice for a name is not what the Encoding standard means. GBK is decoded as gb18030 (10.1.1); Big5 is decoded
// with its Hong Kong characters, which the encoder does not use (11.1).
constexpr ConverterNames kConverterNames[] = {
    {"Big5", "ibm-1375_P100-2008", "windows-950-2000"},
    {"EUC-JP", "euc-jp-2007", "euc-jp-2007"},
    {"EUC-KR", "windows-949-2000", "windows-949-2000"},
    {"GBK", "gb18030", "windows-936-2000"},
    {"ISO-8859-8-I", "ISO-8859-8", "ISO-8859-8"},
    {"Shift_JIS", "ibm-943_P15A-2003", "ibm-943_P15A-2003"},
    {"macintosh", "macos-0_2-10.2", "macos-0_2-10.2"},
    {"windows-874", "windows-874-2000", "windows-874-2000"},
    {"x-mac-cyrillic", "macos-7_3-10.2", "macos-7_3-10.2"},
};

// ISO-8859-16 from 0xA0 on; ICU lacks it.
constexpr std::array<char16_t, 96> kIso8859_16 = {
    0x00A0, 0x0104, 0x0105, 0x0141, 0x20AC, 0x201E, 0x0160, 0x00A7, 0x0161, 0x00A9, 0x0218, 0x00AB,
    0x0179, 0x00AD, 0x017A, 0x017B, 0x00B0, 0x00B1, 0x010C, 0x0142, 0x017D, 0x201D, 0x00B6, 0x00B7,
    0x017E, 0x010D, 0x0219, 0x00BB, 0x0152, 0x0153, 0x0178, 0x017C, 0x00C0, 0x00C1, 0x00C2, 0x0102,
    0x00C4, 0x0106, 0x00C6, 0x00C7, 0x00C8, 0x00C9, 0x00CA, 0x00CB, 0x00CC, 0x00CD, 0x00CE, 0x00CF,
    0x0110, 0x0143, 0x00D2, 0x00D3, 0x00D4, 0x0150, 0x00D6, 0x015A, 0x0170, 0x00D9, 0x00DA, 0x00DB,
    0x00DC, 0x0118, 0x021A, 0x00DF, 0x00E0, 0x00E1, 0x00E2, 0x0103, 0x00E4, 0x0107, 0x00E6, 0x00E7,
    0x00E8, 0x00E9, 0x00EA, 0x00EB, 0x00EC, 0x00ED, 0x00EE, 0x00EF, 0x0111, 0x0144, 0x00F2, 0x00F3,
    0x00F4, 0x0151, 0x00F6, 0x015B, 0x0171, 0x00F9, 0x00FA, 0x00FB, 0x00FC, 0x0119, 0x021B, 0x00FF,
};

struct CloseConverter {
  void operator()(UConverter* converter) const { ucnv_close(converter); }
};
using Converter = std::unique_ptr<UConverter, CloseConverter>;

// What ICU calls for bytes it cannot map.
void OnBadBytes(const void* context, UConverterToUnicodeArgs* args, const char* bytes, int32_t length,
                UConverterCallbackReason reason, UErrorCode* status) {
  if (reason > UCNV_IRREGULAR) return;
  *status = U_ZERO_ERROR;
  const auto last = static_cast<unsigned char>(bytes[length - 1]);
  const bool is_gb = context != nullptr;
  char16_t out[2] = {0xFFFD, last};
  int32_t count = 1;
  if (length == 1 && last == 0x80 && is_gb) {
    out[0] = 0x20AC;  // gb18030 decoder, step 6
  } else if (length == 1 && last >= 0x80 && last < 0xA0 && ucnv_getMaxCharSize(args->converter) == 1) {
    out[0] = last;  // the standard's single-byte tables map C1 bytes to themselves
  } else if (length == 2 && last < 0x80 && ucnv_getMinCharSize(args->converter) == 1) {
    count = 2;  // an ASCII byte is never swallowed by a broken sequence
  }
  ucnv_cbToUWriteUChars(args, out, count, 0, status);
}

// ... and for characters that the encoding lacks.
void OnBadCharacter(const void*, UConverterFromUnicodeArgs* args, const char16_t*, int32_t, UChar32 code_point,
                    UConverterCallbackReason reason, UErrorCode* status) {
  if (reason > UCNV_IRREGULAR) return;
  *status = U_ZERO_ERROR;
  std::u16string escape = u"&#";
  for (const char digit : std::to_string(code_point)) escape.push_back(static_cast<char16_t>(digit));
  escape += u';';
  const char16_t* source = escape.data();
  ucnv_cbFromUWriteUChars(args, &source, source + escape.size(), 0, status);
}

// Open converters of this thread, most recently used first.
class ConverterCache {
 public:
  UConverter* Get(std::string_view encoding, bool encodes) {
    const char* wanted = nullptr;
    for (const ConverterNames& names : kConverterNames) {
      if (names.encoding == encoding) wanted = encodes ? names.encoder : names.decoder;
    }
    const std::string name = wanted != nullptr ? wanted : std::string(encoding);
    const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
      return entry.name == name && entry.encodes == encodes;
    });
    if (found != entries_.end()) {
      std::rotate(entries_.begin(), found, found + 1);
    } else {
      Converter converter = Open(name, encodes);
      if (converter == nullptr) return nullptr;
      if (entries_.size() >= kMaxOpen) entries_.pop_back();
      entries_.insert(entries_.begin(), Entry{name, encodes, std::move(converter)});
    }
    ucnv_reset(entries_.front().converter.get());
    return entries_.front().converter.get();
  }

 private:
  static constexpr size_t kMaxOpen = 8;
  struct Entry {
    std::string name;
    bool encodes;
    Converter converter;
  };

  static Converter Open(const std::string& name, bool encodes) {
    UErrorCode status = U_ZERO_ERROR;
    Converter converter(ucnv_open(name.c_str(), &status));
    if (U_FAILURE(status)) return nullptr;
    const void* is_gb = name == "gb18030" ? &kConverterNames : nullptr;
    if (encodes) {
      ucnv_setFromUCallBack(converter.get(), OnBadCharacter, nullptr, nullptr, nullptr, &status);
    } else {
      ucnv_setToUCallBack(converter.get(), OnBadBytes, is_gb, nullptr, nullptr, &status);
    }
    ucnv_setFallback(converter.get(), false);
    return U_SUCCESS(status) ? std::move(converter) : nullptr;
  }

  std::vector<Entry> entries_;
};

ConverterCache& Converters() {
  thread_local ConverterCache cache;
  return cache;
}

// UTF-16 in pieces to UTF-8; a surrogate pair may be cut between two pieces.
class Utf16Appender {
 public:
  explicit Utf16Appender(std::string* out) : out_(out) {}
  void Append(std::u16string_view piece) {
    for (const char16_t unit : piece) {
      if (high_ != 0 && unit >= 0xDC00 && unit <= 0xDFFF) {
        AppendUtf8(0x10000 + ((high_ - 0xD800U) << 10) + (unit - 0xDC00U), out_);
        high_ = 0;
        continue;
      }
      Finish();
      if (unit >= 0xD800 && unit <= 0xDBFF) {
        high_ = unit;
      } else {
        AppendUtf8(unit, out_);
      }
    }
  }
  void Finish() {
    if (high_ != 0) out_->append(kReplacementUtf8);
    high_ = 0;
  }

 private:
  std::string* out_;
  uint32_t high_ = 0;
};

std::string DecodeWith(UConverter* converter, std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 2);
  Utf16Appender appender(&out);
  const char* source = bytes.data();
  const char* const end = source + bytes.size();
  UErrorCode status = U_ZERO_ERROR;
  do {
    std::array<char16_t, 4096> buffer;
    char16_t* target = buffer.data();
    status = U_ZERO_ERROR;
    ucnv_toUnicode(converter, &target, target + buffer.size(), &source, end, nullptr, true, &status);
    appender.Append({buffer.data(), static_cast<size_t>(target - buffer.data())});
  } while (status == U_BUFFER_OVERFLOW_ERROR);
  appender.Finish();
  return out;
}

// Encodings with one byte a character that ICU lacks.
std::string DecodeByte(std::string_view bytes, std::string_view encoding) {
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    uint32_t code_point = byte;
    if (encoding == "x-user-defined" && byte >= 0x80) code_point = 0xF700U + byte;
    if (encoding == "ISO-8859-16" && byte >= 0xA0) code_point = kIso8859_16[byte - 0xA0U];
    AppendUtf8(code_point, &out);
  }
  return out;
}

void AppendEscape(uint32_t code_point, std::string* out) { out->append("&#" + std::to_string(code_point) + ";"); }

std::string EncodeByte(std::string_view utf8, std::string_view encoding) {
  std::string out;
  for (size_t i = 0; i < utf8.size();) {
    const uint32_t code_point = NextCodePoint(utf8, &i);
    const auto* found = std::find(kIso8859_16.begin(), kIso8859_16.end(), code_point);
    if (code_point < 0x80 || (encoding == "ISO-8859-16" && code_point < 0xA0)) {
      out.push_back(static_cast<char>(code_point));
    } else if (encoding == "ISO-8859-16" && found != kIso8859_16.end()) {
      out.push_back(static_cast<char>(0xA0 + (found - kIso8859_16.begin())));
    } else if (encoding == "x-user-defined" && code_point >= 0xF780 && code_point <= 0xF7FF) {
      out.push_back(static_cast<char>(code_point - 0xF700));
    } else {
      AppendEscape(code_point, &out);
    }
  }
  return out;
}

bool IsTableHere(std::string_view encoding) { return encoding == "ISO-8859-16" || encoding == "x-user-defined"; }

// The Japanese encoders take some characters for others (Encoding standard 12.1.2, 12.2.2, 12.3.2).
uint32_t JapaneseSubstitute(uint32_t code_point, std::string_view encoding) {
  const bool shift_jis = encoding == "Shift_JIS";
  if (!shift_jis && encoding != "EUC-JP" && encoding != "ISO-2022-JP") return code_point;
  if (code_point == 0x2212) return 0xFF0D;
  if (encoding == "ISO-2022-JP") return code_point;
  if (code_point == 0xA5) return 0x5C;
  return code_point == 0x203E ? 0x7E : code_point;
}

std::u16string ToUtf16(std::string_view utf8, std::string_view encoding) {
  std::u16string out;
  for (size_t i = 0; i < utf8.size();) {
    const uint32_t code_point = JapaneseSubstitute(NextCodePoint(utf8, &i), encoding);
    if (code_point < 0x10000) {
      out.push_back(static_cast<char16_t>(code_point));
    } else {
      out.push_back(static_cast<char16_t>(0xD7C0U + (code_point >> 10)));
      out.push_back(static_cast<char16_t>(0xDC00U | (code_point & 0x3FF)));
    }
  }
  return out;
}

// "BOM sniff" (Encoding standard 6.1) has been done; the mark itself is no text.
std::string_view WithoutBom(std::string_view bytes, std::string_view encoding) {
  if (encoding == "UTF-8" && bytes.starts_with("\xEF\xBB\xBF")) return bytes.substr(3);
  if (encoding == "UTF-16LE" && bytes.starts_with("\xFF\xFE")) return bytes.substr(2);
  if (encoding == "UTF-16BE" && bytes.starts_with("\xFE\xFF")) return bytes.substr(2);
  return bytes;
}

// Whether ASCII bytes stand for themselves throughout.
bool ContainsAscii(std::string_view encoding) {
  return !encoding.starts_with("UTF-16") && encoding != "ISO-2022-JP" && encoding != "replacement";
}

}  // namespace

std::string DecodeToUtf8(std::string_view bytes, std::string_view encoding_name) {
  bytes = WithoutBom(bytes, encoding_name);
  if (encoding_name == "UTF-8") return ReplaceInvalidUtf8(bytes);
  if (ContainsAscii(encoding_name) && AsciiPrefix(bytes) == bytes.size()) return std::string(bytes);
  if (encoding_name == "replacement") return bytes.empty() ? std::string() : std::string(kReplacementUtf8);
  if (IsTableHere(encoding_name)) return DecodeByte(bytes, encoding_name);
  UConverter* converter = Converters().Get(encoding_name, false);
  return converter == nullptr ? ReplaceInvalidUtf8(bytes) : DecodeWith(converter, bytes);
}

std::string_view Utf8View(std::string_view bytes, std::string_view encoding_name, std::string* storage) {
  const std::string_view body = WithoutBom(bytes, encoding_name);
  if (encoding_name == "UTF-8" && ValidUtf8Prefix(body) == body.size()) return body;
  if (ContainsAscii(encoding_name) && AsciiPrefix(body) == body.size()) return body;
  *storage = DecodeToUtf8(bytes, encoding_name);
  return *storage;
}

std::string EncodeQuery(std::string_view utf8_query, std::string_view encoding_name) {
  const bool as_utf8 = encoding_name == "UTF-8" || encoding_name == "replacement" || encoding_name.starts_with("UTF-16");
  if (as_utf8 || AsciiPrefix(utf8_query) == utf8_query.size()) return std::string(utf8_query);
  const std::string valid = ReplaceInvalidUtf8(utf8_query);
  if (IsTableHere(encoding_name)) return EncodeByte(valid, encoding_name);
  UConverter* converter = Converters().Get(encoding_name, true);
  if (converter == nullptr) return valid;
  const std::u16string units = ToUtf16(valid, encoding_name);
  const char16_t* source = units.data();
  std::string out;
  UErrorCode status = U_ZERO_ERROR;
  do {
    std::array<char, 1024> buffer;
    char* target = buffer.data();
    status = U_ZERO_ERROR;
    ucnv_fromUnicode(converter, &target, target + buffer.size(), &source, units.data() + units.size(), nullptr, true,
                     &status);
    out.append(buffer.data(), static_cast<size_t>(target - buffer.data()));
  } while (status == U_BUFFER_OVERFLOW_ERROR);
  return out;
}

}  // namespace weft
