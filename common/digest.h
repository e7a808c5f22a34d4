// SHA-1 as WARC digests use it, SHA-256 as WACZ files do, other digests that foreign WARC files carry, and the text forms (RFC 4648).
// Thread rule: functions may be called from any thread, a Sha1Stream belongs to one.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace weft {

// 20 raw bytes.
std::string Sha1(std::string_view bytes);

// SHA-1 over several pieces, reusable: Finish() starts anew.
class Sha1Stream {
 public:
  Sha1Stream();
  ~Sha1Stream();
  Sha1Stream(const Sha1Stream&) = delete;
  Sha1Stream& operator=(const Sha1Stream&) = delete;
  void Add(std::string_view bytes);
  // 20 raw bytes of everything added since the last Finish().
  std::string Finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// SHA-256 over several pieces, for hashes of whole files.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(const Sha256Stream&) = delete;
  Sha256Stream& operator=(const Sha256Stream&) = delete;
  void Add(std::string_view bytes);
  // 32 raw bytes of everything added since the last Finish().
  std::string Finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// Raw bytes of a named digest ("sha1", "sha-1", "sha256", "sha512", "md5", any case); nullopt for other names.
std::optional<std::string> DigestByName(std::string_view algorithm, std::string_view bytes);

// RFC 4648 section 6, upper case, no padding needed for 20 bytes: 32 characters.
std::string Base32(std::string_view bytes);
std::string HexLower(std::string_view bytes);
// RFC 4648 section 4, padded.
std::string Base64(std::string_view bytes);
// "sha1:" + Base32.
std::string Sha1Label(std::string_view raw_digest);

// Whether `text` is `raw` in hexadecimal (any case), Base32 (any case) or Base64 (plain or URL-safe), padded or not.
// The forms are told apart by their length.
bool DigestTextMatches(std::string_view text, std::string_view raw);

}  // namespace weft
