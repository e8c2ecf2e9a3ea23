#include "net/tls_openssl.h"

#include <dlfcn.h>

namespace roundhouse::openssl {
namespace {

// Once it is there it stays.
Result<void> load_library() {
  void* const library = ::dlopen("libssl.so.3", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return fail(std::string("TLS needs OpenSSL: ") + ::dlerror());
  const char* missing = nullptr;
  const auto find = [&](const char* name, auto& function) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(
        ::dlsym(library, name));  // in libcrypto too, which it needs
    if (function == nullptr) missing = name;
  };
#define FUNCTION(name) find(#name, name);
#include "net/openssl.def"
#undef FUNCTION
  if (missing != nullptr) return fail(std::string("TLS needs an OpenSSL with ") + missing);
  return {};
}

}  // namespace

Result<void> load() {
  static const Result<void> kLoaded = load_library();
  return kLoaded;
}

Bio bio_of(std::string_view bytes) {
  return Bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

std::vector<Certificate> certificates_of(std::string_view pem) {
  ERR_clear_error();
  const Bio bio = bio_of(pem);
  std::vector<Certificate> all;
  while (X509* const one = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr))
    all.emplace_back(one);
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end) all.clear();
  return all;
}

Key key_of(std::string_view pem, bool& encrypted) {
  const Bio bio = bio_of(pem);
  const auto ask = [](char*, int, int, void* asked) {
    *static_cast<bool*>(asked) = true;
    return -1;
  };
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, ask, &encrypted));
  ERR_clear_error();
  return key;
}

std::string take_error() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* const reason = ERR_reason_error_string(code);
  return reason == nullptr ? "unknown error" : reason;
}

}  // namespace roundhouse::openssl
