#include "common/ip_address.h"
