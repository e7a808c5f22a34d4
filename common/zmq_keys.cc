#include "common/zmq_keys.h"

#include <errno.h>
#include <zmq.h>

#include <array>

#include "common/status.h"

namespace weft {
namespace {

constexpr size_t kKeyChars = 40;
constexpr size_t kKeyBytes = 32;

}  // namespace

bool IsKey(std::string_view text) {
  std::array<uint8_t, kKeyBytes> bytes{};
  if (text.size() != kKeyChars) return false;
  // A character of no digit's place would be taken for the table's last entries by the decoder.
  constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
  if (text.find_first_not_of(kDigits) != std::string_view::npos) return false;
  return zmq_z85_decode(bytes.data(), std::string(text).c_str()) != nullptr;
}

absl::StatusOr<KeyPair> MakeKeyPair() {
  std::array<char, kKeyChars + 1> public_key{};
  std::array<char, kKeyChars + 1> secret_key{};
  if (zmq_curve_keypair(public_key.data(), secret_key.data()) != 0) {
    return Internal("no key pair can be made: {} (libzmq has to be built with CURVE)", zmq_strerror(errno));
  }
  return KeyPair{public_key.data(), secret_key.data()};
}

absl::StatusOr<PeerKey> PublicKeyOf(const std::string& secret_key) {
  std::array<char, kKeyChars + 1> public_key{};
  if (!IsKey(secret_key) || zmq_curve_public(public_key.data(), secret_key.c_str()) != 0) {
    return InvalidArgument("not a secret key");
  }
  return PeerKey(public_key.data());
}

}  // namespace weft
