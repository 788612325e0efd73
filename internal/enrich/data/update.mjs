// Makes crawlers.txt and country.mmdb from packages of the npm registry:
//
//   npm install --ignore-scripts isbot crawler-user-agents @ip-location-db/geo-whois-asn-country-mmdb
//   node update.mjs path/to/node_modules
//
// isbot is Unlicense, crawler-user-agents MIT, the country table CC0 with an attribution to the NRO (country.LICENSE).
// crawlers.txt has one word a line, lower case; "^" in front: at the start of the user agent only; "$" behind: the next
// character is no word character. A pattern of the packages becomes a word where it means one; the few that do not are rules in
// crawler.go. A word that contains another is left out: the other finds it and the name is the word around it.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const modules = path.resolve(process.argv[2] ?? "node_modules");
const { list: isbot } = await import(pathToFileURL(path.join(modules, "isbot/index.mjs")).href);
const agents = JSON.parse(fs.readFileSync(path.join(modules, "crawler-user-agents/crawler-user-agents.json"), "utf8"));

// Words of isbot that name phones, brands and browsers of people too; what they should find is found by other words.
const ambiguous = new Set(["discovery", "catch", "sogou", "radar", "splash", "browsex", "offbyone", "chromeframe", "^amaya", "^netsurf",
  "^duckduckgo", "^snapchat", "^yahoo", "^yandex", "^active", "^whatsapp", "^custom", "^facebook", "mail.ru/", "torrent", "proxy", "server", "url", "capture", "^email", "^navermailapp", "ibisbrowser", "ap3a.240617.008", "sonic", "fluid", "operator/", "speedy", "^jeode/", "^taringa",
  "^exodusmovement", "^zoom marketplace/", "^read", "^rest", "^track", "^rank", "virtuoso", "agent$", "firephp", "^offline", "cursor/"]);
// Names of crawlers that the packages have only as such a word, or not as a word.
const own = ["^facebookexternal", "facebookcatalog", "^whatsapp/", "^snapchatads", "yahoo! slurp", "yahoocachesystem", "yandeximages", "sogou web", "sogou pic", "sogou inst", "sogou orion", "sogou head", "sogou news", "google-",
  "google favicon", "google web preview", "googleother", "mediapartners", "adsbot", "apis-google", "duplexweb", "feedfetcher", "^curl", "^java/", "^java$", "^jakarta", "^node-fetch",
  "okhttp", "go-http-client", "guzzlehttp", "libwww", "lwp::", "axios/", "aiohttp", "httpx/", "apache-httpclient", "^lcc ", "^silk/", "bw/$", "2ip.ru", "^lua-", "winhttp", "^mechanize", "^ruby", "^rest-client", "^restsharp", "^reqwest", "^ureq", "^undici", "perl/", "puppeteer", "webdriver", "ghostinspector", "amazonproductdiscovery", "splashtop", "twinagent",
  "bot_", "bots_", "bot$", "bots$", "robot", "newsgator", "newsblur", "^news", "scanner", "netscan", "^scan", "portscan", "http://", "https://", "^http", "httpclient", "http-client", "http_request", "httpunit", "httpget", "httrack", "anthropic-ai", "claude-user", "claude-searchbot", "chatgpt-user", "oai-searchbot", "perplexity-user", "perplexitybot", "mistralai-user", "cohere-ai", "meta-external", "amzn-user", "duckassist", "assetnote", "360jk", "geckotrail", "laravel reaver", "amazon-kendra", "miniature.io", "hlb/", "google search console", "googleadsense", "google_partner", "mailto:", "${", "|", "cybaaagent", "cardyb", "finder", "agent/", "lookup", "research@", "contact@", "scan@", "security@", "recon-", "survey", "leadradar", "barracuda", "imageproxy", "image proxy"];

function words(pattern) {
  let p = pattern.replace(/\[(\w)(\w)\]/g, (all, a, b) => (a.toLowerCase() === b.toLowerCase() ? a : all));
  p = p.replace(/\(\?:([^()]*)\)/g, "($1)").replace(/^\(\^\| \)/, "").replace(/^\\b/, "");
  const group = p.match(/^(.*?)\(([^()]*)\)(.*)$/);
  if (group && !p.includes("\\(") && !/[?*+]/.test(p)) return group[2].split("|").flatMap((one) => words(group[1] + one + group[3]));
  if (/^[^()\\[]*\|/.test(p)) return p.split("|").flatMap(words);
  const start = p.startsWith("^") ? "^" : "";
  p = p.slice(start.length);
  let end = "";
  if (p.endsWith("\\b") || p.endsWith("$")) [end, p] = ["$", p.replace(/(\\b|\$)$/, "")];
  const plain = p.replace(/\[ \/\]$/, "").replace(/\\([^A-Za-z0-9])/g, (_, c) => String.fromCharCode(0xe000 + c.charCodeAt(0)));
  if (/[\\^$.|?*+()[\]{}]/.test(plain)) return [];
  const word = plain.replace(/[\ue000-\ue0ff]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xe000)).toLowerCase();
  return word.length < 3 && !start && !end ? [] : [start + word + end];
}

const all = new Set([...isbot, ...agents.map((a) => a.pattern)].flatMap(words).filter((w) => !ambiguous.has(w)).concat(own));
const free = [...all].filter((w) => !w.startsWith("^") && !w.endsWith("$"));
const kept = [...all].filter((w) => {
  const bare = w.replace(/^\^/, "").replace(/\$$/, "");
  if (free.some((f) => f !== w && bare.includes(f))) return false; // the shorter word finds it
  return !/bots?$/.test(bare) || w === "bot$" || w === "bots$"; // the two find all others
});
fs.writeFileSync(new URL("crawlers.txt", import.meta.url), kept.sort().join("\n") + "\n");
fs.copyFileSync(path.join(modules, "@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb"), new URL("country.mmdb", import.meta.url));
fs.copyFileSync(path.join(modules, "@ip-location-db/geo-whois-asn-country-mmdb/NRO_LICENSE"), new URL("country.LICENSE", import.meta.url));
fs.copyFileSync(path.join(modules, "crawler-user-agents/LICENSE"), new URL("crawlers.LICENSE", import.meta.url));
