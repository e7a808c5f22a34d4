#include "common/http_message.h"
