#include "tests/support/tls_test_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <utility>

namespace weft::test {
namespace {

constexpr long kDay = 24 * 3600;

void Check(bool ok, const char* what) {
  if (ok) return;
  perror(what);
  std::abort();
}

template <typename T, void (*Free)(T*)>
struct Freed {
  void operator()(T* object) const { Free(object); }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509, X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Freed<SSL_CTX, SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, Freed<SSL, SSL_free>>;

void AddExtension(X509* certificate, int nid, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  Check(extension != nullptr, "X509V3_EXT_conf_nid");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Certificate SelfSigned(EVP_PKEY* key, const TlsTestIdentity& identity) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -2 * kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), identity.expired ? -kDay : kDay);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(identity.host.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  AddExtension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(certificate.get(), NID_subject_alt_name, "DNS:" + identity.host);
  Check(X509_sign(certificate.get(), key, EVP_sha256()) > 0, "X509_sign");
  return certificate;
}

}  // namespace

class TlsTestServer::Server {
 public:
  Server(const TlsTestIdentity& identity, std::string response) : response_(std::move(response)) {
    const Key key(EVP_EC_gen("P-256"));
    Check(key != nullptr, "EVP_EC_gen");
    const Certificate certificate = SelfSigned(key.get(), identity);
    context_.reset(SSL_CTX_new(TLS_server_method()));
    Check(SSL_CTX_use_certificate(context_.get(), certificate.get()) == 1, "SSL_CTX_use_certificate");
    Check(SSL_CTX_use_PrivateKey(context_.get(), key.get()) == 1, "SSL_CTX_use_PrivateKey");
    WriteCaFile(certificate.get());
    Listen();
    thread_ = std::thread([this] { Run(); });
  }

  ~Server() {
    const uint64_t one = 1;
    Check(write(wake_, &one, sizeof one) == sizeof one, "write");
    thread_.join();
    close(listener_);
    close(wake_);
    unlink(ca_file_.c_str());
  }

  uint16_t port() const { return port_; }
  const std::string& ca_file() const { return ca_file_; }
  int requests() const { return requests_; }

 private:
  void WriteCaFile(X509* certificate) {
    const char* folder = getenv("TMPDIR");
    ca_file_ = std::string(folder != nullptr ? folder : "/tmp") + "/weft-test-ca-XXXXXX";
    const int fd = mkstemp(ca_file_.data());
    Check(fd >= 0, "mkstemp");
    FILE* file = fdopen(fd, "w");
    PEM_write_X509(file, certificate);
    fclose(file);
  }

  void Listen() {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    Check(bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0, "bind");
    Check(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
    Check(listen(listener_, 64) == 0, "listen");
    port_ = ntohs(address.sin_port);
    wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    Check(wake_ >= 0, "eventfd");
  }

  void Run() {
    // OpenSSL writes with write(), which raises SIGPIPE when the client has gone.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    for (;;) {
      pollfd fds[] = {{wake_, POLLIN, 0}, {listener_, POLLIN, 0}};
      poll(fds, 2, -1);
      if (fds[0].revents != 0) return;
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      const timeval limit{.tv_sec = 5, .tv_usec = 0};  // a client that hangs must not keep the test
      setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
      Serve(fd);
      close(fd);
    }
  }

  void Serve(int fd) {
    const Session session(SSL_new(context_.get()));
    SSL_set_fd(session.get(), fd);
    if (SSL_accept(session.get()) != 1) return;
    std::string head;
    while (head.find("\r\n\r\n") == std::string::npos) {
      char buffer[4096];
      const int got = SSL_read(session.get(), buffer, sizeof buffer);
      if (got <= 0) return;
      head.append(buffer, static_cast<size_t>(got));
    }
    ++requests_;
    SSL_write(session.get(), response_.data(), static_cast<int>(response_.size()));
    SSL_shutdown(session.get());
  }

  const std::string response_;
  Context context_;
  std::string ca_file_;
  int listener_ = -1;
  int wake_ = -1;
  uint16_t port_ = 0;
  std::atomic<int> requests_ = 0;
  std::thread thread_;
};

TlsTestServer::TlsTestServer(const TlsTestIdentity& identity, std::string response)
    : server_(std::make_unique<Server>(identity, std::move(response))) {}
TlsTestServer::~TlsTestServer() = default;

uint16_t TlsTestServer::port() const { return server_->port(); }
const std::string& TlsTestServer::ca_file() const { return server_->ca_file(); }
int TlsTestServer::requests() const { return server_->requests(); }

}  // namespace weft::test
