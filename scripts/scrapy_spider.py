"""The spider that scripts/bench compares with: follows every link of one host and stores nothing."""
from urllib.parse import urlsplit

import scrapy
from scrapy.linkextractors import LinkExtractor


class OneHostSpider(scrapy.Spider):
    name = "one-host"
    custom_settings = {
        "CONCURRENT_REQUESTS": 20,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 20,
        "DOWNLOAD_DELAY": 0,
        "ROBOTSTXT_OBEY": False,
        "AUTOTHROTTLE_ENABLED": False,
        "COOKIES_ENABLED": False,
        "RETRY_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "LOG_LEVEL": "ERROR",
    }

    def __init__(self, url, **kwargs):
        super().__init__(**kwargs)
        self.start_urls = [url]
        self.allowed_domains = [urlsplit(url).hostname]
        # The extractor compares with host and port, the middleware that reads allowed_domains with the host alone.
        self.links = LinkExtractor(allow_domains=[urlsplit(url).netloc])

    def parse(self, response):
        if not isinstance(response, scrapy.http.HtmlResponse):
            return
        for link in self.links.extract_links(response):
            yield scrapy.Request(link.url)
