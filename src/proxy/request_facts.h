// What is known of a request beside its bytes: who asks, by which way, and where it goes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/network.h"
#include "config/text_template.h"
#include "http/message.h"

namespace roundhouse::proxy {

// Borrows everything; lives as long as the request.
struct RequestFacts {
  const http::Request& request;
  Address client;                        // who asks, as far as that can be believed
  bool peer_is_trusted;                  // the connection is one of trusted_proxies
  std::string_view scheme;               // http or https
  std::string_view client_subject = {};  // of the certificate that the client has shown
  std::string_view id;                   // X-Request-Id
  std::string_view listener;             // names
  std::string_view route;
  std::string_view upstream;
  std::string_view endpoint;  // empty before there is one
};

// The text with its placeholders filled in. Of what is not there: nothing.
std::string filled_in(const config::TextTemplate& text, const RequestFacts& facts);

// Of the first cookie of that name (RFC 6265 4.2.1); empty if there is none.
std::string_view cookie_of(const http::Request& request, std::string_view name);

// Who asks: the peer of the connection; behind one of `trusted` the last address of X-Forwarded-For
// that is none of them. What is no address ends the search: nobody vouches for what stands before
// it.
Address client_of(const http::Request& request, const Address& peer,
                  std::span<const Network> trusted);
bool is_trusted(const Address& address, std::span<const Network> trusted);

}  // namespace roundhouse::proxy
