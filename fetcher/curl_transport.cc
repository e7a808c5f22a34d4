#include "fetcher/curl_transport.h"
