// Writes lookaheads.json: which texts ECMAScript's patterns match. Node.js 20.20:
//   node lookaheads.js > lookaheads.json
const pats = [
 "^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$",
 "^(?!\\.)(?!.*\\.\\.)([A-Za-z0-9_'+\\-\\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\\-]*\\.)+[A-Za-z]{2,}$",
 "^P(?:(\\d+W)|(?!.*W)(?=\\d|T\\d)(\\d+Y)?(\\d+M)?(\\d+D)?(T(?=\\d)(\\d+H)?(\\d+M)?(\\d+([.,]\\d+)?S)?)?)$",
 "^(?=.*[0-9])(?=.*[a-z]).{4,6}$",
 "a(?!b)c?", "^(?:a(?=b)|b(?!b))+$", "^(?!(?!a).)[ab]*$", "(?=a)|b", "^[^a](?!\\])x$", "^(?!admin$)[a-z]+$", "^a(?!^b)b$", "^(a(?=(b|c)+d)[bcd]+)?$", "x(?=$)", "^(?!)|a$"];
const alpha = ["a","b","c","d","x","1","9",".","-","+","@","T","P","M","S","W","]","\n","é"];
let seed = 7; function rnd(n){ seed = (seed*1103515245+12345) & 0x7fffffff; return Math.floor(seed/65536)%n; }
const fixed = ["","-","+.","-1.5","007","1.","." ,".5","a@b.co","a..b@c.de",".a@b.co","a@b","P1W","P1Y2M","PT5M","PT","P1W2D","PT1.5S","P","ab12","admin","admins","ab","abd","acbd","bb","aab","x","xa","aac","abcabcd","a1b2c3d"];
const out = [];
for (const p of pats) { const re = new RegExp(p, "u"); const yes=[], no=[];
  const texts = new Set(fixed);
  for (let i=0;i<4000;i++){ let n=rnd(8), s=""; for(let k=0;k<n;k++) s+=alpha[rnd(alpha.length)]; texts.add(s); }
  for (const s of texts) (re.test(s)?yes:no).push(s);
  out.push({pattern:p, yes: yes.slice(0,40), no: no.slice(0,60)}); }
console.log("[\n" + out.map(c => JSON.stringify(c)).join(",\n") + "\n]");
