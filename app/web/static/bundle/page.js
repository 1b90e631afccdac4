// Made by scripts/bundle of the modules with the digest d29b77531363b2942905823d839252a35f2b43c23d8f908730faf86903870805
// It has htm (Apache-2.0, vendor/LICENSE-htm) and Preact (MIT, vendor/LICENSE-preact) in it.
var Be,S,Gn,Ce,Bn,Dn,Wn,Ue={},Yn=[],Pr=/acit|ex(?:s|g|n|p|$)|rph|grid|ows|mnc|ntw|ine[ch]|zoo|^ord|itera/i;function ne(t,e){for(var n in e)t[n]=e[n];return t}function zn(t){var e=t.parentNode;e&&e.removeChild(t)}function Kn(t,e,n){var s,o,r,i={};for(r in e)r=="key"?s=e[r]:r=="ref"?o=e[r]:i[r]=e[r];if(arguments.length>2&&(i.children=arguments.length>3?Be.call(arguments,2):n),typeof t=="function"&&t.defaultProps!=null)for(r in t.defaultProps)i[r]===void 0&&(i[r]=t.defaultProps[r]);return qe(t,i,s,o,null)}function qe(t,e,n,s,o){var r={type:t,props:e,key:n,ref:s,__k:null,__:null,__b:0,__e:null,__d:void 0,__c:null,__h:null,constructor:void 0,__v:o??++Gn};return S.vnode!=null&&S.vnode(r),r}function We(t){return t.children}function se(t,e){this.props=t,this.context=e}function ge(t,e){if(e==null)return t.__?ge(t.__,t.__.__k.indexOf(t)+1):null;for(var n;e<t.__k.length;e++)if((n=t.__k[e])!=null&&n.__e!=null)return n.__e;return typeof t.type=="function"?ge(t):null}function Vn(t){var e,n;if((t=t.__)!=null&&t.__c!=null){for(t.__e=t.__c.base=null,e=0;e<t.__k.length;e++)if((n=t.__k[e])!=null&&n.__e!=null){t.__e=t.__c.base=n.__e;break}return Vn(t)}}function Gt(t){(!t.__d&&(t.__d=!0)&&Ce.push(t)&&!je.__r++||Dn!==S.debounceRendering)&&((Dn=S.debounceRendering)||Bn)(je)}function je(){for(var t;je.__r=Ce.length;)t=Ce.sort(function(e,n){return e.__v.__b-n.__v.__b}),Ce=[],t.some(function(e){var n,s,o,r,i,l;e.__d&&(i=(r=(n=e).__v).__e,(l=n.__P)&&(s=[],(o=ne({},r)).__v=r.__v+1,Yt(l,r,o,n.__n,l.ownerSVGElement!==void 0,r.__h!=null?[i]:null,s,i??ge(r),r.__h),Zn(s,r),r.__e!=i&&Vn(r)))})}function Xn(t,e,n,s,o,r,i,l,u,d){var c,m,p,f,g,b,$,y=s&&s.__k||Yn,k=y.length;for(n.__k=[],c=0;c<e.length;c++)if((f=n.__k[c]=(f=e[c])==null||typeof f=="boolean"?null:typeof f=="string"||typeof f=="number"||typeof f=="bigint"?qe(null,f,null,null,f):Array.isArray(f)?qe(We,{children:f},null,null,null):f.__b>0?qe(f.type,f.props,f.key,null,f.__v):f)!=null){if(f.__=n,f.__b=n.__b+1,(p=y[c])===null||p&&f.key==p.key&&f.type===p.type)y[c]=void 0;else for(m=0;m<k;m++){if((p=y[m])&&f.key==p.key&&f.type===p.type){y[m]=void 0;break}p=null}Yt(t,f,p=p||Ue,o,r,i,l,u,d),g=f.__e,(m=f.ref)&&p.ref!=m&&($||($=[]),p.ref&&$.push(p.ref,null,f),$.push(m,f.__c||g,f)),g!=null?(b==null&&(b=g),typeof f.type=="function"&&f.__k!=null&&f.__k===p.__k?f.__d=u=Jn(f,u,t):u=Qn(t,f,p,y,g,u),d||n.type!=="option"?typeof n.type=="function"&&(n.__d=u):t.value=""):u&&p.__e==u&&u.parentNode!=t&&(u=ge(p))}for(n.__e=b,c=k;c--;)y[c]!=null&&(typeof n.type=="function"&&y[c].__e!=null&&y[c].__e==n.__d&&(n.__d=ge(s,c+1)),ts(y[c],y[c]));if($)for(c=0;c<$.length;c++)es($[c],$[++c],$[++c])}function Jn(t,e,n){var s,o;for(s=0;s<t.__k.length;s++)(o=t.__k[s])&&(o.__=t,e=typeof o.type=="function"?Jn(o,e,n):Qn(n,o,o,t.__k,o.__e,e));return e}function Qn(t,e,n,s,o,r){var i,l,u;if(e.__d!==void 0)i=e.__d,e.__d=void 0;else if(n==null||o!=r||o.parentNode==null)e:if(r==null||r.parentNode!==t)t.appendChild(o),i=null;else{for(l=r,u=0;(l=l.nextSibling)&&u<s.length;u+=2)if(l==o)break e;t.insertBefore(o,r),i=r}return i!==void 0?i:o.nextSibling}function An(t,e,n){e[0]==="-"?t.setProperty(e,n):t[e]=n==null?"":typeof n!="number"||Pr.test(e)?n:n+"px"}function Fe(t,e,n,s,o){var r;e:if(e==="style")if(typeof n=="string")t.style.cssText=n;else{if(typeof s=="string"&&(t.style.cssText=s=""),s)for(e in s)n&&e in n||An(t.style,e,"");if(n)for(e in n)s&&n[e]===s[e]||An(t.style,e,n[e])}else if(e[0]==="o"&&e[1]==="n")r=e!==(e=e.replace(/Capture$/,"")),e=e.toLowerCase()in t?e.toLowerCase().slice(2):e.slice(2),t.l||(t.l={}),t.l[e+r]=n,n?s||t.addEventListener(e,r?Rn:Nn,r):t.removeEventListener(e,r?Rn:Nn,r);else if(e!=="dangerouslySetInnerHTML"){if(o)e=e.replace(/xlink[H:h]/,"h").replace(/sName$/,"s");else if(e!=="href"&&e!=="list"&&e!=="form"&&e!=="tabIndex"&&e!=="download"&&e in t)try{t[e]=n??"";break e}catch{}typeof n=="function"||(n!=null&&(n!==!1||e[0]==="a"&&e[1]==="r")?t.setAttribute(e,n):t.removeAttribute(e))}}function Nn(t){this.l[t.type+!1](S.event?S.event(t):t)}function Rn(t){this.l[t.type+!0](S.event?S.event(t):t)}function Yt(t,e,n,s,o,r,i,l,u){var d,c,m,p,f,g,b,$,y,k,M,_=e.type;if(e.constructor!==void 0)return null;n.__h!=null&&(u=n.__h,l=e.__e=n.__e,e.__h=null,r=[l]),(d=S.__b)&&d(e);try{e:if(typeof _=="function"){if($=e.props,y=(d=_.contextType)&&s[d.__c],k=d?y?y.props.value:d.__:s,n.__c?b=(c=e.__c=n.__c).__=c.__E:("prototype"in _&&_.prototype.render?e.__c=c=new _($,k):(e.__c=c=new se($,k),c.constructor=_,c.render=qr),y&&y.sub(c),c.props=$,c.state||(c.state={}),c.context=k,c.__n=s,m=c.__d=!0,c.__h=[]),c.__s==null&&(c.__s=c.state),_.getDerivedStateFromProps!=null&&(c.__s==c.state&&(c.__s=ne({},c.__s)),ne(c.__s,_.getDerivedStateFromProps($,c.__s))),p=c.props,f=c.state,m)_.getDerivedStateFromProps==null&&c.componentWillMount!=null&&c.componentWillMount(),c.componentDidMount!=null&&c.__h.push(c.componentDidMount);else{if(_.getDerivedStateFromProps==null&&$!==p&&c.componentWillReceiveProps!=null&&c.componentWillReceiveProps($,k),!c.__e&&c.shouldComponentUpdate!=null&&c.shouldComponentUpdate($,c.__s,k)===!1||e.__v===n.__v){c.props=$,c.state=c.__s,e.__v!==n.__v&&(c.__d=!1),c.__v=e,e.__e=n.__e,e.__k=n.__k,e.__k.forEach(function(U){U&&(U.__=e)}),c.__h.length&&i.push(c);break e}c.componentWillUpdate!=null&&c.componentWillUpdate($,c.__s,k),c.componentDidUpdate!=null&&c.__h.push(function(){c.componentDidUpdate(p,f,g)})}c.context=k,c.props=$,c.state=c.__s,(d=S.__r)&&d(e),c.__d=!1,c.__v=e,c.__P=t,d=c.render(c.props,c.state,c.context),c.state=c.__s,c.getChildContext!=null&&(s=ne(ne({},s),c.getChildContext())),m||c.getSnapshotBeforeUpdate==null||(g=c.getSnapshotBeforeUpdate(p,f)),M=d!=null&&d.type===We&&d.key==null?d.props.children:d,Xn(t,Array.isArray(M)?M:[M],e,n,s,o,r,i,l,u),c.base=e.__e,e.__h=null,c.__h.length&&i.push(c),b&&(c.__E=c.__=null),c.__e=!1}else r==null&&e.__v===n.__v?(e.__k=n.__k,e.__e=n.__e):e.__e=Fr(n.__e,e,n,s,o,r,i,u);(d=S.diffed)&&d(e)}catch(U){e.__v=null,(u||r!=null)&&(e.__e=l,e.__h=!!u,r[r.indexOf(l)]=null),S.__e(U,e,n)}}function Zn(t,e){S.__c&&S.__c(e,t),t.some(function(n){try{t=n.__h,n.__h=[],t.some(function(s){s.call(n)})}catch(s){S.__e(s,n.__v)}})}function Fr(t,e,n,s,o,r,i,l){var u,d,c,m=n.props,p=e.props,f=e.type,g=0;if(f==="svg"&&(o=!0),r!=null){for(;g<r.length;g++)if((u=r[g])&&(u===t||(f?u.localName==f:u.nodeType==3))){t=u,r[g]=null;break}}if(t==null){if(f===null)return document.createTextNode(p);t=o?document.createElementNS("http://www.w3.org/2000/svg",f):document.createElement(f,p.is&&p),r=null,l=!1}if(f===null)m===p||l&&t.data===p||(t.data=p);else{if(r=r&&Be.call(t.childNodes),d=(m=n.props||Ue).dangerouslySetInnerHTML,c=p.dangerouslySetInnerHTML,!l){if(r!=null)for(m={},g=0;g<t.attributes.length;g++)m[t.attributes[g].name]=t.attributes[g].value;(c||d)&&(c&&(d&&c.__html==d.__html||c.__html===t.innerHTML)||(t.innerHTML=c&&c.__html||""))}if((function(b,$,y,k,M){var _;for(_ in y)_==="children"||_==="key"||_ in $||Fe(b,_,null,y[_],k);for(_ in $)M&&typeof $[_]!="function"||_==="children"||_==="key"||_==="value"||_==="checked"||y[_]===$[_]||Fe(b,_,$[_],y[_],k)})(t,p,m,o,l),c)e.__k=[];else if(g=e.props.children,Xn(t,Array.isArray(g)?g:[g],e,n,s,o&&f!=="foreignObject",r,i,r?r[0]:n.__k&&ge(n,0),l),r!=null)for(g=r.length;g--;)r[g]!=null&&zn(r[g]);l||("value"in p&&(g=p.value)!==void 0&&(g!==t.value||f==="progress"&&!g)&&Fe(t,"value",g,m.value,!1),"checked"in p&&(g=p.checked)!==void 0&&g!==t.checked&&Fe(t,"checked",g,m.checked,!1))}return t}function es(t,e,n){try{typeof t=="function"?t(e):t.current=e}catch(s){S.__e(s,n)}}function ts(t,e,n){var s,o;if(S.unmount&&S.unmount(t),(s=t.ref)&&(s.current&&s.current!==t.__e||es(s,null,e)),(s=t.__c)!=null){if(s.componentWillUnmount)try{s.componentWillUnmount()}catch(r){S.__e(r,e)}s.base=s.__P=null}if(s=t.__k)for(o=0;o<s.length;o++)s[o]&&ts(s[o],e,typeof t.type!="function");n||t.__e==null||zn(t.__e),t.__e=t.__d=void 0}function qr(t,e,n){return this.constructor(t,n)}function ns(t,e,n){var s,o,r;S.__&&S.__(t,e),o=(s=typeof n=="function")?null:n&&n.__k||e.__k,r=[],Yt(e,t=(!s&&n||e).__k=Kn(We,null,[t]),o||Ue,Ue,e.ownerSVGElement!==void 0,!s&&n?[n]:o?null:e.firstChild?Be.call(e.childNodes):null,r,!s&&n?n:o?o.__e:e.firstChild,s),Zn(r,t)}function ss(t,e){var n={__c:e="__cC"+Wn++,__:t,Consumer:function(s,o){return s.children(o)},Provider:function(s){var o,r;return this.getChildContext||(o=[],(r={})[e]=this,this.getChildContext=function(){return r},this.shouldComponentUpdate=function(i){this.props.value!==i.value&&o.some(Gt)},this.sub=function(i){o.push(i);var l=i.componentWillUnmount;i.componentWillUnmount=function(){o.splice(o.indexOf(i),1),l&&l.call(i)}}),s.children}};return n.Provider.__=n.Consumer.contextType=n}Be=Yn.slice,S={__e:function(t,e){for(var n,s,o;e=e.__;)if((n=e.__c)&&!n.__)try{if((s=n.constructor)&&s.getDerivedStateFromError!=null&&(n.setState(s.getDerivedStateFromError(t)),o=n.__d),n.componentDidCatch!=null&&(n.componentDidCatch(t),o=n.__d),o)return n.__E=n}catch(r){t=r}throw t}},Gn=0,se.prototype.setState=function(t,e){var n;n=this.__s!=null&&this.__s!==this.state?this.__s:this.__s=ne({},this.state),typeof t=="function"&&(t=t(ne({},n),this.props)),t&&ne(n,t),t!=null&&this.__v&&(e&&this.__h.push(e),Gt(this))},se.prototype.forceUpdate=function(t){this.__v&&(this.__e=!0,t&&this.__h.push(t),Gt(this))},se.prototype.render=We,Ce=[],Bn=typeof Promise=="function"?Promise.prototype.then.bind(Promise.resolve()):setTimeout,je.__r=0,Wn=0;var $e,j,Ln,Ge=0,Bt=[],In=S.__b,Pn=S.__r,Fn=S.diffed,qn=S.__c,Hn=S.unmount;function Oe(t,e){S.__h&&S.__h(j,t,Ge||e),Ge=0;var n=j.__H||(j.__H={__:[],__h:[]});return t>=n.__.length&&n.__.push({}),n.__[t]}function h(t){return Ge=1,Hr(rs,t)}function Hr(t,e,n){var s=Oe($e++,2);return s.t=t,s.__c||(s.__=[n?n(e):rs(void 0,e),function(o){var r=s.t(s.__[0],o);s.__[0]!==r&&(s.__=[r,s.__[1]],s.__c.setState({}))}],s.__c=j),s.__}function x(t,e){var n=Oe($e++,3);!S.__s&&zt(n.__H,e)&&(n.__=t,n.__H=e,j.__H.__h.push(n))}function G(t,e){var n=Oe($e++,4);!S.__s&&zt(n.__H,e)&&(n.__=t,n.__H=e,j.__h.push(n))}function T(t){return Ge=5,Q(function(){return{current:t}},[])}function Q(t,e){var n=Oe($e++,7);return zt(n.__H,e)&&(n.__=t(),n.__H=e,n.__h=t),n.__}function os(t){var e=j.context[t.__c],n=Oe($e++,9);return n.c=t,e?(n.__==null&&(n.__=!0,e.sub(j)),e.props.value):t.__}function Ur(){Bt.forEach(function(t){if(t.__P)try{t.__H.__h.forEach(He),t.__H.__h.forEach(Wt),t.__H.__h=[]}catch(e){t.__H.__h=[],S.__e(e,t.__v)}}),Bt=[]}S.__b=function(t){j=null,In&&In(t)},S.__r=function(t){Pn&&Pn(t),$e=0;var e=(j=t.__c).__H;e&&(e.__h.forEach(He),e.__h.forEach(Wt),e.__h=[])},S.diffed=function(t){Fn&&Fn(t);var e=t.__c;e&&e.__H&&e.__H.__h.length&&(Bt.push(e)!==1&&Ln===S.requestAnimationFrame||((Ln=S.requestAnimationFrame)||function(n){var s,o=function(){clearTimeout(r),Un&&cancelAnimationFrame(s),setTimeout(n)},r=setTimeout(o,100);Un&&(s=requestAnimationFrame(o))})(Ur)),j=void 0},S.__c=function(t,e){e.some(function(n){try{n.__h.forEach(He),n.__h=n.__h.filter(function(s){return!s.__||Wt(s)})}catch(s){e.some(function(o){o.__h&&(o.__h=[])}),e=[],S.__e(s,n.__v)}}),qn&&qn(t,e)},S.unmount=function(t){Hn&&Hn(t);var e=t.__c;if(e&&e.__H)try{e.__H.__.forEach(He)}catch(n){S.__e(n,e.__v)}};var Un=typeof requestAnimationFrame=="function";function He(t){var e=j;typeof t.__c=="function"&&t.__c(),j=e}function Wt(t){var e=j;t.__c=t.__(),j=e}function zt(t,e){return!t||t.length!==e.length||e.some(function(n,s){return n!==t[s]})}function rs(t,e){return typeof e=="function"?e(t):e}var is=function(t,e,n,s){var o;e[0]=0;for(var r=1;r<e.length;r++){var i=e[r++],l=e[r]?(e[0]|=i?1:2,n[e[r++]]):e[++r];i===3?s[0]=l:i===4?s[1]=Object.assign(s[1]||{},l):i===5?(s[1]=s[1]||{})[e[++r]]=l:i===6?s[1][e[++r]]+=l+"":i?(o=t.apply(l,is(t,l,n,["",null])),s.push(o),l[0]?e[0]|=2:(e[r-2]=0,e[r]=o)):s.push(l)}return s},jn=new Map,a=function(t){var e=jn.get(this);return e||(e=new Map,jn.set(this,e)),(e=is(this,e.get(t)||(e.set(t,e=(function(n){for(var s,o,r=1,i="",l="",u=[0],d=function(p){r===1&&(p||(i=i.replace(/^\s*\n\s*|\s*\n\s*$/g,"")))?u.push(0,p,i):r===3&&(p||i)?(u.push(3,p,i),r=2):r===2&&i==="..."&&p?u.push(4,p,0):r===2&&i&&!p?u.push(5,0,!0,i):r>=5&&((i||!p&&r===5)&&(u.push(r,0,i,o),r=6),p&&(u.push(r,p,0,o),r=6)),i=""},c=0;c<n.length;c++){c&&(r===1&&d(),d(c));for(var m=0;m<n[c].length;m++)s=n[c][m],r===1?s==="<"?(d(),u=[u],r=3):i+=s:r===4?i==="--"&&s===">"?(r=1,i=""):i=s+i[0]:l?s===l?l="":i+=s:s==='"'||s==="'"?l=s:s===">"?(d(),r=1):r&&(s==="="?(r=5,o=i,i=""):s==="/"&&(r<5||n[c][m+1]===">")?(d(),r===3&&(u=u[0]),r=u,(u=u[0]).push(2,0,r),r=0):s===" "||s==="	"||s===`
`||s==="\r"?(d(),r=2):i+=s),r===3&&i==="!--"&&(r=4,u=u[0])}return d(),u})(t)),e),arguments,[])).length>1?e:e[0]}.bind(Kn);var jr={archive:"M4 8h16v12H4zM3 4h18v4H3zM10 12h4",back:"M15 5l-7 7 7 7",bell:"M6 17V11a6 6 0 0 1 12 0v6l1.5 1.5h-15zM10 21h4",muted:"M6 17V11c0-1 .3-2 .7-2.8M10 5.3A6 6 0 0 1 18 11v4M15.5 18.5H4.5L6 17M10 21h4M4 4l16 16",pin:"M9 4h6l-1 6 3.5 3.5h-11L10 10zM12 13.5V20",close:"M6 6l12 12M18 6L6 18",copy:"M9 9h10v11H9zM15 9V4H5v11h4",down:"M12 5v14M5.5 12.5L12 19l6.5-6.5",download:"M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 20h14",flag:"M6 21V4M6 4.5h11l-2.5 4 2.5 4H6",history:"M4.5 12a7.5 7.5 0 1 0 2.2-5.3M4.5 4v4.5H9M12 8v4.5l3 1.8",info:"M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 11v5.5M12 7.5v.01",crown:"M4 8l4.2 4L12 5.5l3.8 6.5L20 8l-1.5 10.5h-13z",shield:"M12 3.5l7 2.8v5.2c0 4.3-2.9 7.4-7 9-4.1-1.6-7-4.7-7-9V6.3z",people:"M9 4.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM2.5 19.5c0-3.3 2.9-5 6.5-5s6.5 1.7 6.5 5M16 5a3.2 3.2 0 0 1 0 6.2M18 14.8c2.2.6 3.5 2.2 3.5 4.7",link:"M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1",moon:"M20 14.5A8 8 0 0 1 9.5 4a8 8 0 1 0 10.5 10.5z",mail:"M3.5 6h17v12.5h-17zM4 6.5l8 6.5 8-6.5",more:"M5.5 12v.01M12 12v.01M18.5 12v.01",pencil:"M4 20h4L19 9a2.1 2.1 0 0 0-4-4L4 16zM13.5 6.5l4 4",plus:"M12 5v14M5 12h14",reply:"M10 7L4 12.5 10 18M4.5 12.5H14a6 6 0 0 1 6 6",search:"M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l4.5 4.5",send:"M12 19V5M5.5 11.5L12 5l6.5 6.5",sliders:"M4 7h9M17.5 7H20M4 17h2.5M11 17h9M15.2 4.8a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4zM8.8 14.8a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4z",smile:"M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM8.5 14a4.2 4.2 0 0 0 7 0M9 9.5v.01M15 9.5v.01",trash:"M4.5 7h15M9.5 7V4h5v3M6.5 7l1 13h9l1-13M10 11v5M14 11v5",signOut:"M14 4h4a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2h-4M10 8l-4 4 4 4M6.5 12H15",code:"M9 8l-4 4 4 4M15 8l4 4-4 4",checks:"M2 12.5l4.5 4.5L15.5 7.5M11 16l1.5 1 9-9.5",clock:"M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 7.5V12l3 2",eye:"M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6z",unread:"M4 6h11M4 12h8M4 18h16M19.5 6.5a2 2 0 1 0 0-.01z",check:"M5 12.5l4.5 4.5L19 7.5",retry:"M19.5 12a7.5 7.5 0 1 1-2.2-5.3M19.5 4v4.5H15",alert:"M12 8v5M12 16.5v.01M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z"};function v({name:t}){return a`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <path d=${jr[t]} />
  </svg>`}function oe(){return a`
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path
        class="logo-back"
        d="M12 3h12a6 6 0 0 1 6 6v5a6 6 0 0 1-6 6h-.5v4.2c0 .8-.9 1.2-1.5.7L16.5 20H12a6 6 0 0 1-6-6V9a6 6 0 0 1 6-6z"
      />
      <path
        class="logo-front"
        d="M8 10h10a6 6 0 0 1 6 6v3a6 6 0 0 1-6 6h-3.5l-4.8 4.2c-.6.5-1.5.1-1.5-.7V25H8a6 6 0 0 1-6-6v-3a6 6 0 0 1 6-6z"
      />
    </svg>
  `}var as=/(?<![\p{L}\p{N}_@.+-])@([A-Za-z0-9_]{3,30})(?![\p{L}\p{N}_])/gu,Gr=/(?<![\p{L}\p{N}_@.+-])@([A-Za-z0-9_]{0,30})$/u;function ls(t,e){return t?.peer_uuid?[{uuid:t.peer_uuid,handle:t.handle,display_name:t.display_name},e]:[]}function Ye(t,e){let n=new Set([...t.matchAll(as)].map(s=>s[1]?.toLowerCase()));return e.filter(s=>s.handle!==null&&n.has(s.handle)).map(s=>s.uuid)}function us(t,e){return t.flatMap(({user_uuid:n,handle:s,display_name:o})=>s===null?e.filter(r=>r.uuid===n):[{uuid:n,handle:s,display_name:o}])}function cs(t,e){let n=[],s=0;for(let o of e.length?t.matchAll(as):[]){let r=e.find(i=>i.handle===o[1]?.toLowerCase());r&&(o.index>s&&n.push({text:t.slice(s,o.index),member:null}),n.push({text:o[0],member:r}),s=o.index+o[0].length)}return s<t.length&&n.push({text:t.slice(s),member:null}),n}function ds(t,e,n){let s=Gr.exec(t.slice(0,e));if(!s)return null;let o=s[1]?.toLowerCase()??"",r=n.filter(({handle:i,display_name:l})=>{let u=[i??"",...l.toLowerCase().split(/\s+/)];return i!==null&&i!==o&&u.some(d=>d.startsWith(o))});return r.length?{start:s.index,members:r.slice(0,8)}:null}function ms({user_uuid:t,display_name:e,event:n},s){let o=t===s?"You":{name:e},r=n?.users??[];switch(n?.type){case"created":return[o," created the group"];case"renamed":return[o," renamed the group to ",{name:n.title??""}];case"history":return["New members see the history"];case"added":case"removed":return[o,` ${n.type} `,...Wr(r,s)];case"left":return[o," left",...r.length>0?[". ",...ps(r,"the owner",s)]:[]];case"role":return ps(r,Br[n.role??"member"],s);default:return[o," changed the group"]}}var Br={owner:"the owner",admin:"an admin",member:"a member without rights"};function ps(t,e,n){let s=t[0]?.user_uuid===n;return[s?"You":{name:t[0]?.display_name??""},s?" are ":" is ",`${e} now`]}function Wr(t,e){let n=t.filter(s=>s.user_uuid!==e).map(s=>({name:s.display_name}));return Kt([...n.length<t.length?["you"]:[],...n],4)}function Kt(t,e){let n=t.length>e?[...t.slice(0,e-1),`${t.length-e+1} others`]:t;return n.flatMap((s,o)=>o===0?[s]:[o===n.length-1?" and ":", ",s])}var Yr=3;function L(t){return t?.kind==="group"}function ce(t){return L(t)&&t?.state==="left"}function fs(t,e,n){let s=Object.fromEntries(n.map(o=>[o.user_uuid,o.display_name]));return{...t,members:{...t.members,[e]:n},names:{...t.names,...s}}}function Vt(t,e,n){return t.names[e]===n?t:{...t,names:{...t.names,[e]:n}}}function hs(t,{uuid:e,display_name:n,handle:s}){let o=Object.entries(t.members).map(([r,i])=>[r,i.map(l=>l.user_uuid===e?{...l,display_name:n,handle:s}:l)]);return{...Vt(t,e,n),members:Object.fromEntries(o)}}function gs(t,e){return!e||!L(e)?ls(e,t.me):(t.members[e.uuid]??[]).filter(s=>s.handle!==null).map(({user_uuid:s,handle:o,display_name:r})=>({uuid:s,handle:o,display_name:r}))}function $s(t,e){let n=Object.keys(t.typing[e.uuid]??{});if(n.length===0)return"";if(!L(e))return`${e.display_name} is typing`;let s=n.map(o=>zr(t.names[o]??"")||"Another member");return`${Kt(s,Yr).join("")} ${n.length>1?"are":"is"} typing`}function zr(t){return t.trim().split(/\s+/)[0]}function bs(t,e){return L(e)&&e.last_message_by!==t.me.uuid&&e.message?t.names[e.last_message_by]??"":""}var Xt=ss(null);function w(){let t=os(Xt);if(!t)throw new Error("useMessenger() needs a MessengerContext above it");return t}function C(){let{store:t}=w(),[e,n]=h(t.state);return x(()=>{let s=()=>n(t.state);return s(),t.listeners.add(s),()=>{t.listeners.delete(s)}},[t]),e}function be(){let[t,e]=h(Date.now());return x(()=>{let n=setInterval(()=>e(Date.now()),3e4);return()=>clearInterval(n)},[]),t}function K(t,e,n){let s=T(n);s.current=n,G(()=>{let o=r=>s.current(r);return t.addEventListener(e,o),()=>t.removeEventListener(e,o)},[t,e])}function ys(t){class e extends se{shouldComponentUpdate(s){return Object.keys(s).some(r=>s[r]!==this.props[r])}render(){return t(this.props)}}return e}var Jt=typeof location>"u"?"":new URL("../..",import.meta.url).pathname.slice(0,-1);function V(t){return t.startsWith("/")?Jt+t:t}function _s(t){return t.startsWith(`${Jt}/`)?t.slice(Jt.length):t}var ws=1e4,N=class extends Error{isRetryable=!0;retryAfter=0},A=class extends N{constructor(e,n,s,o){super(s),this.status=e,this.code=n,this.retryAfter=o,this.isRetryable=e>=500||[401,408,429].includes(e)}},X=class extends N{},de=class{constructor(e){this.session=e}async get(e){return ye(await this.request("GET",e))}async getPage(e){let n=await this.request("GET",e);return{items:await ye(n),next:Kr(n.headers.get("link"))}}async call(e,n,s,o){return ye(await this.request(e,n,s,o))}async request(e,n,s,o={}){let r={method:e,body:s===void 0?void 0:JSON.stringify(s)},i=s===void 0?o:{...o,"content-type":"application/json"},l=()=>AbortSignal.timeout(ws),u=await this.authorizedFetch(n,{...r,headers:i},l);if(!u.ok)throw await this.problemFrom(u);return u}async problemFrom(e){let n=await vs(e);return(n.code==="account-disabled"||n.code==="account-erased")&&this.session.onRefused(n.message),n}async authorizedFetch(e,n,s){let o=await this.#e(e,n,s());return o.status===401&&(await this.session.renew(),o=await this.#e(e,n,s())),o}async#e(e,n,s){let o=`Bearer ${await this.session.getAccessToken()}`;return ze(e,{...n,signal:s,headers:{...n.headers,authorization:o}})}};async function ze(t,e={}){try{return await fetch(V(t),{signal:AbortSignal.timeout(ws),cache:"no-store",...e})}catch(n){throw new X("The server cannot be reached",{cause:n})}}async function pe(t,e){let n=await ze(t,e);if(!n.ok)throw await vs(n);return ye(n)}async function ye(t){try{return await t.json()}catch(e){throw new X("The answer of the server did not arrive whole",{cause:e})}}async function vs(t){let e=Number(t.headers.get("retry-after"))||0;try{let{code:n,title:s,detail:o}=await t.json(),r=n==="account-disabled"?o:s;return new A(t.status,String(n),String(r),e)}catch{return new A(t.status,"unknown",`The server answered with status ${t.status}`,e)}}function E(t){return t instanceof Error?t.message:String(t)}function Kr(t){return t?.match(/<[^>]*?(\/api\/[^>]+)>;\s*rel="next"/)?.[1]??null}var Vr="/api/users/presence",Xr=5*6e4,Ke=class{#e=new Set;#t;#n={};constructor(e,n){this.api=e,this.store=n}start(){this.#t=setInterval(()=>document.visibilityState==="visible"&&void this.load(),Xr),this.store.listeners.add(this.#s)}stop(){this.store.listeners.delete(this.#s),clearInterval(this.#t)}async load(){if(!this.store.state.settings?.presence){this.store.update(e=>Object.keys(e.presence).length===0?e:{...e,presence:{}});return}this.#e.clear();try{let e=await this.api.get(Vr);this.store.update(n=>Jr(n,e,this.#e))}catch(e){if(!(e instanceof N))throw e}}#s=()=>{let e=this.#n,{groups:n}=this.store.state;if(n===e)return;this.#n=n;let s=({uuid:o,folder:r})=>r==="inbox"&&e[o]?.folder==="requests";Object.values(n).some(s)&&this.load()};onEvent(e){this.#e.add(e.user_uuid)}};function Jr(t,e,n){let s=Object.entries(t.presence).filter(([r])=>n.has(r)),o=e.filter(r=>!n.has(r.user_uuid)).map(r=>[r.user_uuid,r]);return{...t,presence:Object.fromEntries([...o,...s])}}function Qt(t,e){return!t.settings?.presence||!e.peer_uuid||e.handle===null||e.blocked_at?null:t.presence[e.peer_uuid]??null}function ks(t,e){return Qt(t,e)?.is_online??!1}function z(t){return Object.values(t).filter(e=>e.state==="active").sort((e,n)=>e.created_at<n.created_at?1:-1)}function Ve(t,e){let n=s=>s.pin_position??1/0;return z(t).filter(s=>s.folder===e).sort((s,o)=>n(s)===n(o)?0:n(s)-n(o))}function Z(t){return t.folder==="requests"}function xs(t){return Ve(t,"inbox").filter(e=>ie(e)&&!re(e,Date.now())).length}function re({muted_until:t},e){return t!==null&&Date.parse(t)>e}function Xe(t){let e=t.thread;return e?Math.max(t.groups[e.group]?.last_number??0,e.messages.at(-1)?.number??0):0}function Ss(t){let{thread:e,groups:n}=t,s=(e&&n[e.group]?.cleared_number)??0;return Xe(t)-(e?.messages.at(-1)?.number??s)}function Je(t,e,n,s=[]){let o=new Set(s.map(r=>r.uuid));return t.filter(r=>!o.has(r.uuid)&&(r.group?r.group===e:n!==null&&r.handle===n))}function Zt(t,{reply_to:e,reply:n}){return t.find(s=>s.number===e)??n??null}function Ms(t,e){if(t.settings?.receipts===!1||L(t.groups[e]))return{read:0,delivered:0};let n=Object.entries(t.markers[e]??{}).filter(([o])=>o!==t.me.uuid),s=o=>Math.max(0,...n.map(([,r])=>r[o]));return{read:s("read"),delivered:s("delivered")}}function ie(t){return t.unread_count>0||t.is_marked_unread}function Ts(t,e){return Object.keys(t.typing[e]??{}).length>0}function B(t){return t.connection==="live"||t.connection==="connecting"}var Qr="\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000",Zr=new RegExp(`^[${Qr}]*$`),ei=/\b(?:https?:\/\/|www\.(?=[^\s.]))[^\s<>"'`]*[^\s<>"'`.,;:!?\]}]/,ti=/\b[\p{L}\p{N}._%+-]+@(?:[\p{L}\p{N}-]+\.)+\p{L}{2,}/u,ni=new RegExp(`${ei.source}|${ti.source}`,"giu"),si=30,Es=20,Cs=60;function _e(t){return Zr.test(t)?0:[...t].length}function Qe(t){return t.replaceAll("\0","").replace(/\p{Surrogate}/gu,"�")}function ae(t){return t.normalize("NFKD").replace(/[\u0300-\u036f]/g,"").toLowerCase().replace(/[\s.,;:!?"'’`´(){}[\]/&+–—-]+/g," ")}function Os(t){let e=t.split(`
`),n=0,s=e.map(r=>(n+=Math.max(1,Math.ceil(r.length/Cs)),n));if(n<=si)return t;let o=s.findIndex(r=>r>Es);return o>0?e.slice(0,o).join(`
`):`${[...t].slice(0,Es*Cs).join("")}…`}function Ds(t){let e=[],n=0;for(let s of t.matchAll(ni)){let o=As(s[0]);s.index>n&&e.push({text:t.slice(n,s.index),href:null}),e.push({text:o,href:oi(o)}),n=s.index+o.length}return n<t.length&&e.push({text:t.slice(n),href:null}),e}function As(t){let e=n=>t.split(n).length-1;return t.endsWith(")")&&e(")")>e("(")?As(t.slice(0,-1).replace(/[.,;:!?]+$/,"")):t}function oi(t){return/^https?:/i.test(t)?t:/^www\./i.test(t)?`https://${t}`:`mailto:${t}`}function Ze(t){let e=t.split(/\s+/).filter(s=>/[\p{L}\p{N}]/u.test(s));return(e.length>1?[e[0],e.at(-1)]:e.slice(0,1)).map(s=>s?.match(/[\p{L}\p{N}]/u)?.[0]??"").join("").toLocaleUpperCase()||"?"}function we(t){let e=2166136261;for(let n of t)e=Math.imul(e^(n.codePointAt(0)??0),16777619);return(160+(e>>>16)%8*45)%360}function R({name:t,handle:e,size:n="medium",isOnline:s=!1}){let o={"--hue":String(we(e??t))};return a`<span class="avatar ${n} ${s?"is-online":""}" style=${o} data-initials=${Ze(t)} aria-hidden="true"></span>`}var ri="cruddur-export.jsonl",ii=4096;async function Ns(t,e){let n=await t.authorizedFetch("/api/users/me/export",{headers:{}},()=>e);if(!n.ok)throw await t.problemFrom(n);let s=await ai(n);li(await s.slice(-ii).text()),ci(s)}async function ai(t){try{return await t.blob()}catch(e){throw new X("The export did not arrive whole",{cause:e})}}function li(t){let e=t.endsWith(`
`)?t.trimEnd().split(`
`).at(-1):"",n=ui(e??"");if(n.type!=="end")throw n.type==="problem"?new A(n.status,n.code,n.detail,0):new X("The export did not arrive whole")}function ui(t){try{return JSON.parse(t)}catch{return{}}}function ci(t){let e=document.createElement("a");e.href=URL.createObjectURL(t),e.download=ri,e.click(),setTimeout(()=>URL.revokeObjectURL(e.href),6e4)}async function Rs(t,e){try{await t.request("DELETE",`/api/users/me?handle=${encodeURIComponent(e)}`)}catch(n){if(!(n instanceof A&&n.code==="account-erased"))return E(n)}return""}var et=8;function O({label:t,kind:e,at:n=null,onClose:s,children:o}){let r=T(null);return G(()=>{r.current?.showModal(),n&&r.current&&matchMedia("(min-width: 46rem)").matches&&di(r.current,n)},[]),a`
    <dialog
      class="dialog ${e}"
      ref=${r}
      aria-label=${t}
      onClose=${s}
      onPointerDown=${l=>{r.current&&l.target===r.current&&pi(l,r.current)&&r.current.close()}}
    >
      ${o}
    </dialog>
  `}function di(t,e){let n=Math.min(e.x,innerWidth-t.offsetWidth-et),s=Math.min(e.y,innerHeight-t.offsetHeight-et);t.style.inset=`${Math.max(et,s)}px auto auto ${Math.max(et,n)}px`,t.style.margin="0"}function pi(t,e){let{left:n,right:s,top:o,bottom:r}=e.getBoundingClientRect();return t.clientX<n||t.clientX>s||t.clientY<o||t.clientY>r}function D(t){t instanceof Element&&t.closest("dialog")?.close()}function Ls(t,e,n){let[s,o]=h(null),r=()=>{o(null),n()},i=(l,u,d)=>a`
    <button popovertarget=${e} popovertargetaction="hide" onClick=${()=>o(l)}>
      <${v} name=${u} />${d}
    </button>
  `;return{items:[i("download","download","Download my data"),i("delete","trash","Delete account")],dialog:a`
      ${s==="download"&&a`<${mi} onClose=${r} />`}
      ${s==="delete"&&a`<${fi} me=${t} onClose=${r} />`}
    `}}function mi({onClose:t}){let{api:e}=w(),[n,s]=h({isRunning:!0,text:""}),o=T(new AbortController).current;return x(()=>{let r=i=>!o.signal.aborted&&s({isRunning:!1,text:i});return Ns(e,o.signal).then(()=>r(""),i=>r(E(i))),()=>o.abort()},[]),a`
    <${O} label="Download my data" kind="about-message" onClose=${t}>
      <h2>Download my data</h2>
      ${n.isRunning&&a`<p role="status">Your profile, conversations and messages are collected. That can take some minutes.</p>`}
      ${!n.isRunning&&!n.text&&a`<p role="status">The file is saved. Each of its lines is one JSON object.</p>`}
      ${n.text&&a`<p class="failure" role="alert">${n.text}.</p>`}
      <p class="dialog-buttons">
        <button class="quiet" onClick=${r=>D(r.currentTarget)}>
          ${n.isRunning?"Cancel":"Close"}
        </button>
      </p>
    <//>
  `}function fi({me:t,onClose:e}){let n=w(),[s,o]=h(""),[r,i]=h(!1),[l,u]=h(""),d=s.trim().replace(/^@/,"").toLowerCase()===t.handle;return a`
    <${O} label="Delete your account" kind="about-message" onClose=${e}>
      <form onSubmit=${async m=>{if(m.preventDefault(),!d||r)return;i(!0);let p=await Rs(n.api,t.handle);if(!p)return n.signOut();u(p),i(!1)}}>
        <h2>Delete your account</h2>
        <p>Your name, handle, conversations, reactions and settings are deleted, and cannot be brought back.</p>
        <p>
          ${n.config.erased_messages==="remove"?"Your messages are deleted for everyone.":"The people you wrote to keep your messages, under the name “Deleted user”."}
        </p>
        <label>
          Type your handle, ${t.handle}, to confirm
          <input
            name="handle"
            required
            maxlength="31"
            autocomplete="off"
            autocapitalize="none"
            spellcheck=${!1}
            value=${s}
            onInput=${m=>o(m.currentTarget.value)}
          />
        </label>
        ${l&&a`<p class="failure" role="alert">${l}.</p>`}
        <p class="dialog-buttons">
          <button
            type="button"
            class="quiet"
            onClick=${m=>D(m.currentTarget)}
          >
            Cancel
          </button>
          <button class="primary danger" disabled=${!d||r}>Delete account</button>
        </p>
      </form>
    <//>
  `}var hi=160;function Is({me:t,onClose:e}){let n=w(),[s,o]=h(""),[r,i]=h(t.about),l=hi-_e(r);return a`
    <${O} label="Your profile" kind="profile" onClose=${e}>
      <form onSubmit=${async d=>{d.preventDefault();let c=d.currentTarget,m=String(new FormData(c).get("name")).trim(),p=m!==""&&m!==t.display_name;try{await n.changeProfile({...p&&{display_name:m},...r!==t.about&&{about:r}}),D(c)}catch(f){o(E(f))}}}>
        <h2>Your profile</h2>
        <label>Name <input name="name" required maxlength="50" autocomplete="name" value=${t.display_name} /></label>
        <label class="about-field">
          About you
          <textarea
            rows="3"
            dir="auto"
            aria-describedby="about-hint"
            value=${r}
            onInput=${({currentTarget:d})=>i(d.value)}
          ></textarea>
        </label>
        <p class="choice-hint" id="about-hint">A few lines that all users can read. ${l<40&&a`<span role="status">${l} left</span>`}</p>
        ${s&&a`<p class="failure" role="alert">${s}</p>`}
        <p class="dialog-buttons">
          <button type="button" class="quiet" onClick=${({currentTarget:d})=>D(d)}>Cancel</button>
          <button class="primary" disabled=${l<0}>Save</button>
        </p>
      </form>
    <//>
  `}var gi=[{name:"receipts",label:"Read receipts",hint:"Without them, others do not see what you have read, and you do not see what they have."},{name:"typing",label:"Typing",hint:"Without it, others do not see that you type, and you do not see that they do."},{name:"presence",label:"Online status",hint:"People you write with see whether you are online, and when you were last, if they show you the same."},{name:"is_discoverable",label:"Found by search",hint:"Without it, a first message to you needs your whole handle."}];function Ps({onClose:t}){return a`
    <${O} label="Settings" kind="settings" onClose=${t}>
      <h2>Settings</h2>
      ${gi.map(e=>a`<${$i} key=${e.name} ...${e} />`)}
      <${yi} />
      <${_i} />
      <form method="dialog" class="dialog-buttons"><button class="primary" autofocus>Done</button></form>
    <//>
  `}function $i({name:t,label:e,hint:n}){let s=w(),{settings:o}=C(),[r,i]=h("");return a`
    <${Fs} ...${{name:t,label:e,hint:n,failure:r,onChange:async({currentTarget:u})=>{try{await s.changeSettings({[t]:u.checked}),i("")}catch(d){u.checked=!u.checked,i(E(d))}}}} isOn=${o?.[t]??!1} isReady=${o!==null} />
  `}var bi=[{value:"everyone",label:"Everyone"},{value:"contacts",label:"People I wrote to"},{value:"nobody",label:"Nobody new"}];function yi(){let t=w(),{settings:e}=C(),[n,s]=h(""),o=async({currentTarget:r})=>{let i=r.value;try{await t.changeSettings({messages_from:i}),s("")}catch(l){r.value=e?.messages_from??"everyone",s(E(l))}};return a`
    <div class="setting">
      <label class="choice">
        <span>Messages from</span>
        <select
          value=${e?.messages_from??"everyone"}
          disabled=${e===null}
          aria-describedby="senders-hint"
          onChange=${o}
        >
          ${bi.map(({value:r,label:i})=>a`<option key=${r} value=${r}>${i}</option>`)}
        </select>
      </label>
      <p class="choice-hint" id="senders-hint">Who may start a conversation with you. It waits in your requests until you accept it.</p>
      ${n&&a`<p class="choice-hint failure" role="alert">${n}.</p>`}
    </div>
  `}function _i(){let{notifications:t}=w(),{notifications:e}=C();return e==="unsupported"?null:a`
    <${Fs}
      ...${{name:"notifications",label:"Desktop notifications",hint:e==="denied"?"Your browser does not allow them for this page.":"Of new messages while this page is in the background. They show the name and the beginning of the text.",failure:"",onChange:async({currentTarget:o})=>{o.checked?await t.enable():t.disable(),o.checked=t.store.state.notifications==="on"}}}
      isOn=${e==="on"}
      isReady=${e!=="denied"}
    />
  `}function Fs({name:t,label:e,hint:n,failure:s,isOn:o,isReady:r,onChange:i}){return a`
    <div class="setting">
      <label class="choice">
        <span>${e}</span>
        <input type="checkbox" checked=${o} disabled=${!r} aria-describedby=${`${t}-hint`} onChange=${i} />
      </label>
      <p class="choice-hint" id=${`${t}-hint`}>${n}</p>
      ${s&&a`<p class="choice-hint failure" role="alert">${s}.</p>`}
    </div>
  `}var wi=["system","light","dark"];function qs({me:t}){let e=w(),[n,s]=h(null),o=T(null),r=Ls(t,"account",en),{pending:i,pendingChanges:l}=C(),u={messages:i.length,changes:l.length},d=()=>{s(null),en()},c=e.config.sign_in.kind==="local";return a`
    <button class="account" id="account-button" popovertarget="account" aria-label=${`Your account, ${t.display_name}`}>
      <${R} name=${t.display_name} handle=${t.handle} size="small" />
    </button>
    <div class="menu" id="account" popover="auto">
      <p class="menu-head">
        <strong dir="auto">${t.display_name}</strong>
        <span class="handle">@${t.handle}</span>
      </p>
      <button popovertarget="account" popovertargetaction="hide" onClick=${()=>s("profile")}>
        <${v} name="pencil" />Edit your profile
      </button>
      <button popovertarget="account" popovertargetaction="hide" onClick=${()=>s("settings")}>
        <${v} name="sliders" />Settings
      </button>
      <${xi} />
      ${r.items}
      <a href=${V("/docs")} target="_blank" rel="noopener"><${v} name="code" />API documentation</a>
      <button
        popovertarget="account"
        popovertargetaction="hide"
        onClick=${()=>u.messages+u.changes>0?o.current?.showModal():e.signOut()}
      >
        <${v} name="signOut" />${c?"Switch user":"Sign out"}
      </button>
    </div>
    ${n==="profile"&&a`<${Is} me=${t} onClose=${d} />`}
    ${n==="settings"&&a`<${Ps} onClose=${d} />`}
    <${vi} dialog=${o} unsent=${u} />
    ${r.dialog}
  `}function vi({dialog:t,unsent:e}){let n=w();return a`
    <dialog class="dialog" ref=${t} aria-labelledby="sign-out-title" onClose=${en}>
      <form onSubmit=${o=>{o.preventDefault(),n.signOut()}}>
        <h2 id="sign-out-title">${ki(e)}</h2>
        <p>What has not been sent is kept in this browser only, and signing out deletes it.</p>
        <p class="dialog-buttons">
          <button type="button" class="primary" onClick=${()=>t.current?.close()}>Cancel</button>
          <button class="quiet">Delete and sign out</button>
        </p>
      </form>
    </dialog>
  `}function ki({messages:t,changes:e}){let n=t+e,s=e===0?"message":t===0?"change":"message or change";return n===1?`One ${s} has not been sent`:`${n} ${s.replace("message","messages").replace("change","changes")} have not been sent`}function en(){document.getElementById("account-button")?.focus()}function xi(){let[t,e]=h(document.documentElement.dataset.theme??"system"),n=s=>{e(s),s==="system"?delete document.documentElement.dataset.theme:document.documentElement.dataset.theme=s,localStorage.setItem("cruddur-theme",s)};return a`
    <fieldset class="themes">
      <legend><${v} name="moon" />Colours</legend>
      <div class="theme-choice">
        ${wi.map(s=>a`<label key=${s}>
              <input type="radio" name="theme" value=${s} checked=${t===s} onChange=${()=>n(s)} />
              <span>${s}</span>
            </label>`)}
      </div>
    </fieldset>
  `}var Si={reconnecting:"Reconnecting…",offline:"Offline"};function Hs({connection:t}){let e=Si[t];return a`<p class="connection-status" role="status">${e&&a`<span key=${t}>${e}</span>`}</p>`}var Mi=/^\/messages\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\/([1-9]\d{0,11}))?$/,I=V("/messages");function tt(t){let e=_s(t),n=e.match(/^\/messages\/new\/@?([A-Za-z0-9_]{3,30})$/)?.[1];if(n)return{page:"new",handle:n.toLowerCase()};let[,s,o]=e.match(Mi)??[];return s?{page:"group",uuid:s,number:o===void 0?null:Number(o)}:{page:"groups"}}function W(t,e){return`${I}/${t}${e===void 0?"":`/${e}`}`}function ve(t){return`${I}/new/${t}`}function F(t,e={}){t!==location.pathname&&(e.replace?history.replaceState(null,"",t):history.pushState(null,"",t),window.dispatchEvent(new PopStateEvent("popstate")))}function Us(t){let e=t.target instanceof Element?t.target.closest("a"):null,n=t.button===0&&!(t.metaKey||t.ctrlKey||t.shiftKey||t.altKey);!e||!n||e.target||e.origin!==location.origin||e.pathname.startsWith(I)&&(t.preventDefault(),F(e.pathname))}function js(){let t=history.state?.position;return typeof t?.number=="number"&&typeof t.offset=="number"?t:null}function Gs(t){history.replaceState(t&&{position:t},"")}var tn=0;function me(){tn=Math.max(Date.now(),tn+1);let t=crypto.getRandomValues(new Uint8Array(16)),e=tn;for(let s=5;s>=0;s--)t[s]=e%256,e=Math.floor(e/256);return t[6]=112|(t[6]??0)&15,t[8]=128|(t[8]??0)&63,[...t].map(s=>s.toString(16).padStart(2,"0")).join("").replace(/^(.{8})(.{4})(.{4})(.{4})/,"$1-$2-$3-$4-")}var nn={message:"",reactions:[],reply:null,mentions:[]};function Y({expires_at:t},e){return t!==null&&Date.parse(t)<=e}function ke({created_at:t,kind:e},n,s){return s!==null&&e!=="system"&&Date.parse(t)+s*864e5<=n}function sn(t){return t.is_hidden?t:{...t,...nn,is_hidden:!0}}function Bs(t,e,n){let s=o=>o!==null&&!o.is_hidden&&n.includes(o.number);return zs(t,o=>{let r=s(o)?sn(o):o;return r.reply&&s(r.reply)?{...r,reply:{...r.reply,message:"",is_hidden:!0}}:r},e)}function Ws(t,e,n){let s=r=>r.group===e&&(r.messages[0]?.number??1/0)<=n,o=r=>s(r)?{...r,atStart:!0,messages:r.messages.filter(i=>i.number>n)}:r;return[t.thread,...t.kept].some(r=>r!==null&&s(r))?{...t,thread:t.thread&&o(t.thread),kept:t.kept.map(o)}:t}function Ys(t,e,n=null){let s=r=>r!==null&&r.message!==""&&Y(r,e),o=n===null?t:Ti(t,e,n);return zs(o,r=>s(r)?{...r,...nn}:r.message!==""&&ke(r,e,n)?{...r,...nn,expires_at:new Date(e).toISOString()}:r.reply&&s(r.reply)?{...r,reply:{...r.reply,message:""}}:r)}function Ti(t,e,n){let s=Object.values(t.groups).filter(i=>i.message!==""&&ke(i,e,n));if(s.length===0)return t;let o=new Date(e).toISOString(),r=s.map(i=>[i.uuid,{...i,message:"",expires_at:o,unread_count:0}]);return{...t,groups:{...t.groups,...Object.fromEntries(r)}}}function zs(t,e,n=null){let s=l=>{if(n!==null&&l.group!==n)return l;let u=l.messages.map(e);return u.some((d,c)=>d!==l.messages[c])?{...l,messages:u}:l},o=t.thread&&s(t.thread),r=t.kept.map(s);return o===t.thread&&r.every((l,u)=>l===t.kept[u])?t:{...t,thread:o,kept:r}}var Ei=100;function xe(t,e){if(e.length===0)return t;let n=s=>e.reduce((o,r)=>Ci(o,r,t.me.uuid),s);return{...t,thread:t.thread&&n(t.thread),kept:t.kept.map(n)}}function Ci(t,e,n){return t.group!==e.message_group_uuid||e.change_number!==t.changeNumber+1?t:{...t,changeNumber:e.change_number,changes:[...t.changes,e].slice(-Ei),messages:t.messages.map(s=>Ks(s,e,n))}}function De(t,e,n){return e.map(s=>t.changes.reduce((o,r)=>Ks(o,r,n),s))}function Ks(t,e,n){return t.reply&&t.reply.number===e.number&&!t.reply.is_hidden?{...t,reply:{...t.reply,...Oi(e)}}:t.number!==e.number||e.change_number<=t.change_number?t:{...Vs(t,e,n),change_number:e.change_number}}function Oi(t){return t.type==="delete"?{message:"",deleted_at:t.created_at}:t.type==="edit"&&t.message!==null?{message:t.message}:{}}function Vs(t,e,n){let{type:s,user_uuid:o,emoji:r,created_at:i}=e;if(s==="hide")return sn(t);if(s==="delete")return{...t,message:"",deleted_at:i,reactions:[],mentions:[]};if(t.is_hidden||Y(t,Date.now()))return t;if(s==="edit"){let{message:l,version:u}=e,d=u!==null&&u>t.version,c=Di(t.mentions,e.mentions);return d?{...t,message:l??t.message,version:u,edited_at:i,mentions:c}:t}return r?{...t,reactions:Ai(t.reactions,r,s==="react"?1:-1,o===n)}:t}function Di(t,e){if(!e)return t;let n=new Map(t.map(s=>[s.user_uuid,s]));return e.map(s=>n.get(s)??{user_uuid:s,display_name:"",handle:null})}function Ai(t,e,n,s){let o=t.find(l=>l.emoji===e)??{emoji:e,count:0,me:!1};if(s&&o.me===n>0)return t;let r={emoji:e,count:o.count+n,me:s?n>0:o.me};return[...t.filter(l=>l.emoji!==e),...r.count>0?[r]:[]].sort((l,u)=>u.count-l.count||(l.emoji<u.emoji?-1:1))}function Xs(t,e,n){let s=e.filter(o=>o.refusal===null);return s.length===0?t:t.map(o=>s.filter(r=>r.group===o.message_group_uuid&&r.number===o.number).reduce((r,i)=>Vs(r,Ni(i,r,n),n),o))}function Ni({type:t,text:e,emoji:n,created_at:s,mentions:o},r,i){return{type:t,user_uuid:i,created_at:s,emoji:n,message:e,version:r.version+1,mentions:o??null}}function on(t,e){let n=o=>o.uuid===e.uuid&&(o.change_number<e.change_number||e.is_hidden&&!o.is_hidden),s=o=>o.messages.some(n)?{...o,messages:o.messages.map(r=>n(r)?e:r)}:o;return{...t,thread:t.thread&&s(t.thread),kept:t.kept.map(s)}}var rn=250,st=50,Ri=15e3;function Js(t){return{me:t,pending:[],pendingChanges:[],drafts:{},connection:"connecting",groups:{},hasInbox:!1,nextPages:{inbox:void 0,requests:void 0,archive:void 0},folder:"inbox",inboxFailure:null,thread:null,kept:[],markers:{},settings:null,typing:{},members:{},names:{},presence:{},notifications:"unsupported",offersNotifications:!1}}var nt=class{constructor(e){this.state=e,this.listeners=new Set}update(e){let n=e(this.state);if(n!==this.state){this.state=n;for(let s of[...this.listeners])s()}}set(e){this.update(n=>({...n,...e}))}updateThread(e,n){this.update(s=>s.thread?.group===e?{...s,thread:n(s.thread)}:s)}};function Qs(t,e,n){switch(e.type){case"message":return Ne(q(t,[e.group]),[e.message]);case"change":return xe(q(t,[e.group]),[e.change]);case"group":return q(t,[e.group]);case"read":return Se(t,e.message_group_uuid,e);case"profile":return Fi(t,e.user);case"typing":return Hi(t,e,n);case"presence":return{...t,presence:{...t.presence,[e.user_uuid]:e}};default:return t}}function q(t,e){let n={...t.groups};for(let r of e)n[r.uuid]=Li(n[r.uuid],r);let s=e.filter(r=>r.hide_count>0);return e.filter(r=>r.cleared_number>0).reduce((r,i)=>Ws(r,i.uuid,i.cleared_number),s.reduce((r,i)=>Bs(r,i.uuid,i.hidden),{...t,groups:n}))}function ot(t,e,n,s){return{...q(t,n),nextPages:{...t.nextPages,[e]:s}}}function Li(t,e){if(!t)return e;let n=e.version>=t.version?e:t,s=t.last_number>n.last_number?t:n,o=Math.max(t.read_number,e.read_number);return{...n,message:s.message,created_at:s.created_at,last_message_by:s.last_message_by,expires_at:s.expires_at,last_number:s.last_number,change_number:Math.max(t.change_number,e.change_number),read_number:o,unread_count:Math.max(0,n.unread_count+s.last_number-n.last_number-(o-n.read_number)),unread_mention_count:s.last_number>o?n.unread_mention_count:0}}function Zs(t,{user_uuid:e,blocked_at:n}){let o=Object.values(t.groups).filter(r=>r.peer_uuid===e).map(r=>[r.uuid,{...r,blocked_at:n}]);return{...t,groups:{...t.groups,...Object.fromEntries(o)}}}function Ae(t,e){return{...t,groups:Object.fromEntries(Object.entries(t.groups).filter(([n])=>!e.includes(n))),kept:t.kept.filter(n=>!e.includes(n.group))}}function Ne(t,e){let n=t;for(let o of e)n=Ii(n,o);let s=new Set(e.map(o=>o.uuid));return n.pending.some(o=>s.has(o.uuid))?{...n,pending:n.pending.filter(o=>!s.has(o.uuid))}:n}function Ii(t,e){let{message_group_uuid:n,user_uuid:s,number:o}=e,r=e.kind==="system",i=Vt(t,s,e.display_name);r||(i=an(Se(i,n,{user_uuid:s,number:o,delivered_number:o}),n,s));let l=i.groups[n];if(l&&!r&&o>l.last_number){let d=s===t.me.uuid?o:l.read_number,c={...l,read_number:d,last_number:o,unread_count:s===t.me.uuid?0:l.unread_count+o-l.last_number,unread_mention_count:o>d?l.unread_mention_count:0,message:e.expires_at?"":e.message,expires_at:e.expires_at,created_at:e.created_at,last_message_by:s};i={...i,groups:{...i.groups,[n]:c}}}if(i.thread?.group!==n)return i;let[u=e]=De(i.thread,[e],t.me.uuid);return{...i,thread:Pi(i.thread,u,i.groups[n]?.cleared_number??0)}}function Pi(t,e,n){let s=t.messages.at(-1);return t.isLoading||e.number!==(s?.number??n)+1||t.messages.length>=rn&&!t.isFollowing?t:no({...t,messages:[...t.messages,e]})}function eo(t,e){let n=t.messages[0]?.number??1/0,s=e.filter(r=>r.number<n),o=e.length<st||s[0]?.number===1;return{...t,isBusy:!1,atStart:o,messages:[...s,...t.messages].slice(0,rn)}}function to(t,e){let n=t.messages.at(-1)?.number??0,s=e.filter(o=>o.number>n);return no({...t,isBusy:!1,messages:[...t.messages,...s]})}function no(t){let e=t.messages.length-rn;return e>0?{...t,atStart:!1,messages:t.messages.slice(e)}:t}function Se(t,e,{user_uuid:n,number:s,delivered_number:o}){let r=t.markers[e]??{},i=r[n]??{read:0,delivered:0};if(i.read>=s&&i.delivered>=o)return t;let l={read:Math.max(i.read,s),delivered:Math.max(i.delivered,o)},u={...t,markers:{...t.markers,[e]:{...r,[n]:l}}},d=t.groups[e];if(n!==t.me.uuid||!d||d.read_number>=s)return u;let c=Math.min(d.unread_count,Math.max(0,d.last_number-s)),m=c>0?d.unread_mention_count:0,p={...d,read_number:s,unread_count:c,unread_mention_count:m};return{...u,groups:{...t.groups,[e]:p}}}function Fi(t,e){let n={display_name:e.display_name,handle:e.handle},s=Object.fromEntries(Object.entries(t.groups).map(([l,u])=>[l,u.handle===e.handle?{...u,...n}:u])),o=t.me.uuid===e.uuid?{...t.me,...n}:t.me,r=t.thread?.messages.map(l=>qi(l,e.uuid,n)),i=t.thread&&r?{...t.thread,messages:r}:t.thread;return hs({...t,me:o,groups:s,thread:i},e)}function qi(t,e,n){let s=t.reply?.user_uuid===e?{...t.reply,...n}:t.reply,o=t.event?.users.map(i=>i.user_uuid===e?{...i,...n}:i),r=t.event&&o?{...t.event,users:o}:t.event;return t.user_uuid===e?{...t,...n,reply:s,event:r}:{...t,reply:s,event:r}}function Hi(t,e,n){if(e.user_uuid===t.me.uuid)return t;if(!e.is_typing)return an(t,e.message_group_uuid,e.user_uuid);let s={...t.typing[e.message_group_uuid],[e.user_uuid]:n+Ri};return{...t,typing:{...t.typing,[e.message_group_uuid]:s}}}function an(t,e,n){if(!t.typing[e]?.[n])return t;let{[n]:s,...o}=t.typing[e];return{...t,typing:{...t.typing,[e]:o}}}function so(t,e){return Object.entries(t.typing).flatMap(([s,o])=>Object.entries(o).map(([r,i])=>({group:s,user:r,until:i}))).filter(({until:s})=>s<=e).reduce((s,{group:o,user:r})=>an(s,o,r),t)}var Ui={"cannot-add":"One of these people cannot be added to a group by you","group-full":"A group cannot have so many members","group-taken":"The group was created before you changed this, and is in your list","user-not-found":"One of these people does not exist any more","member-not-found":"This person is not in the group any more","not-manager":"Only the owner and admins can do this","not-owner":"Only the owner of the group can do this","group-not-found":"You are not in this group any more","invalid-body":"The title needs 1 to 50 visible characters"};function oo(t){return t instanceof A&&Ui[t.code]||E(t)}var rt=class{constructor(e,n,s){this.api=e,this.store=n,this.members=s}create(e){return this.#e("POST","",e)}change(e,n){return this.#e("PATCH",`/${e}`,n)}add(e,n){return this.#e("POST",`/${e}/members`,{handles:n})}setRole(e,n,s){return this.#e("PATCH",`/${e}/members/${n}`,{role:s})}remove(e,n){return this.#e("DELETE",`/${e}/members/${n}`)}leave(e){return this.#e("DELETE",`/${e}`)}async#e(e,n,s){let o=await this.api.call(e,`/api/message_groups${n}`,s);return this.store.update(i=>q(i,[o])),!(this.store.state.connection==="live")&&o.state==="active"&&this.members.refresh(o.uuid),o}};function ro({title:t,warning:e,label:n,isDanger:s=!1,onConfirm:o,onClose:r}){let{failure:i,isRunning:l,run:u}=ee(),d=async({currentTarget:c})=>{await u(o)&&D(c)};return a`
    <${O} label=${t} kind="about-message" onClose=${r}>
      <h2 dir="auto">${t}</h2>
      <p>${e}</p>
      ${i&&a`<p class="failure" role="alert">${i}.</p>`}
      <p class="dialog-buttons">
        <button class="quiet" onClick=${c=>D(c.currentTarget)}>Cancel</button>
        <button class="primary ${s?"danger":""}" disabled=${l} onClick=${d}>${n}</button>
      </p>
    <//>
  `}function ee(){let[t,e]=h(""),[n,s]=h(!1);return{failure:t,isRunning:n,run:async r=>{s(!0),e("");try{return await r(),!0}catch(i){return e(oo(i)),!1}finally{s(!1)}}}}function le({group:t,size:e="medium",isOnline:n=!1}){let{display_name:s,handle:o,uuid:r}=t;if(!L(t))return a`<${R} ...${{name:s,handle:o,size:e,isOnline:n}} />`;let i={"--hue":String(we(r))};return a`<span class="avatar of-several ${e}" style=${i} data-initials=${Ze(s)} aria-hidden="true"></span>`}function it({input:t,label:e,placeholder:n,list:s,isOpen:o,active:r,query:i,onQuery:l,onKeyDown:u,children:d}){return a`
    <label class="search-field">
      <${v} name="search" />
      <input
        ref=${t}
        type="text"
        role="combobox"
        aria-label=${e}
        aria-expanded=${o?"true":"false"}
        aria-controls=${s}
        aria-autocomplete="list"
        aria-activedescendant=${r}
        placeholder=${n}
        autocomplete="off"
        spellcheck="false"
        maxlength="51"
        value=${i}
        onInput=${c=>l(c.currentTarget.value)}
        onKeyDown=${u}
      />
      ${d}
    </label>
  `}var ji=200,at=8;function ao(){let t=C(),[e,n]=h(""),[s,o]=h(0),{people:r,failure:i}=ln(e,B(t)),l=T(null),u=Wi(t,e,r??[]);K(document,"keydown",g=>{Yi(g)&&(g.preventDefault(),l.current?.focus())});let d=g=>{g&&(n(""),F(g.path))},c=g=>{let b=g.key==="ArrowDown"?1:g.key==="ArrowUp"?-1:0;if(b&&u.length)o((s+b+u.length)%u.length);else if(g.key==="Enter")d(u[s]);else if(g.key==="Escape"&&e)n("");else return;g.preventDefault(),g.stopPropagation()},m=g=>{n(g),o(0)},p=e.trim()!==""&&u.length>0,f=i??(r===null?"Searching…":p?"":`No user is called “${e.trim()}”`);return a`
    <div class="search" role="search">
      <${it}
        ...${{input:l,query:e,onQuery:m,onKeyDown:c,isOpen:p}}
        label="Find a person"
        placeholder="Find a person"
        list="search-results"
        active=${p?`search-result-${s}`:void 0}
      ><kbd aria-hidden="true">/</kbd><//>
      <div class="search-results" hidden=${e.trim()===""}>
        <ul id="search-results" role="listbox" aria-label="People" hidden=${!p}>
          ${u.map((g,b)=>a`<${Gi} key=${g.path} ...${{person:g,index:b,isChosen:b===s,onChoose:d}} />`)}
        </ul>
        <p role="status" hidden=${f===""||p&&i===null}>${f}</p>
      </div>
    </div>
  `}function Gi({person:t,index:e,isChosen:n,onChoose:s}){return a`
    <li id=${`search-result-${e}`} role="option" aria-selected=${n?"true":"false"} onClick=${()=>s(t)}>
      ${t.group?a`<${le} group=${t.group} size="small" />`:a`<${R} name=${t.display_name} handle=${t.handle} size="small" />`}
      <span class="name" dir="auto">${t.display_name}</span>
      <span class="handle">${t.handle&&`@${t.handle}`}</span>
    </li>
  `}var io={people:null,failure:null};function ln(t,e){let{api:n}=w(),[s,o]=h({query:"",...io}),r=t.trim();return x(()=>{if(!r)return;let i=setTimeout(async()=>{let l=`/api/users?limit=${at}&q=${encodeURIComponent(r)}`;try{o({query:r,people:await n.get(l),failure:null})}catch(u){o({query:r,people:null,failure:Bi(u)})}},ji);return()=>clearTimeout(i)},[r,e,n]),s.query===r?s:io}function Bi(t){return t instanceof X?"You are offline: only people you have conversations with are found":E(t)}function Wi(t,e,n){let s=ae(e).trim();if(!s)return[];let o=z(t.groups).filter(l=>un(l,s)),r=new Set([t.me.handle,...z(t.groups).map(l=>l.handle)]),i=n.filter(l=>!r.has(l.handle));return[...o.map(l=>({...l,path:W(l.uuid),group:l})),...i.map(l=>({...l,path:ve(l.handle)}))].slice(0,at)}function un(t,e){let n=ae(t.display_name).trim().split(" "),s=n.map((o,r)=>[...n.slice(r),...n.slice(0,r)].join(" "));return[`@${t.handle??""}`,t.handle??"",...s].some(o=>o.startsWith(e))}function Yi(t){let e=t.target instanceof Element&&t.target.matches("input, textarea");return t.key==="/"&&!e&&!t.ctrlKey&&!t.metaKey&&!t.altKey}var lt=-1;function ut({chosen:t,onChange:e,most:n,excluded:s=[]}){let o=C(),[r,i]=h(""),[l,u]=h(lt),d=T(null),{people:c,failure:m}=ln(r,B(o)),p=new Set([o.me.handle,...s,...t.map(M=>M.handle)]),f=t.length<n?Xi(o,r,c??[],p):[],g=f.length>0,b=M=>{M&&(e([...t,M]),i(""),u(lt),d.current?.focus())},$=M=>{e(t.filter(_=>_.handle!==M)),d.current?.focus()};return a`
    <div class="people-picker">
      <${zi} chosen=${t} onRemove=${$} />
      <${it}
        ...${{input:d,query:r,onQuery:M=>{i(M),u(M.trim()===""?lt:0)},onKeyDown:M=>{let _=r===""?t.at(-1):void 0,U=Ir=>u((Ir+f.length)%f.length),Pe={ArrowDown:g&&(()=>U(l+1)),ArrowUp:g&&(()=>U(Math.max(l,0)-1)),Enter:()=>b(f[l]),Escape:r!==""&&(()=>i("")),Backspace:_&&(()=>$(_.handle))}[M.key];Pe&&(Pe(),M.preventDefault(),M.stopPropagation())},isOpen:g}}
        label="Find people"
        placeholder="Find people by name or handle"
        list="picked-people"
        active=${g&&l!==lt?`picked-person-${l}`:void 0}
      />
      <ul id="picked-people" role="listbox" aria-label="People" hidden=${!g}>
        ${f.map((M,_)=>a`<${Ki} key=${M.handle} ...${{person:M,index:_,isChosen:_===l,onChoose:b}} />`)}
      </ul>
      <p class="hint" role="status">${Vi({isFull:t.length>=n,most:n,query:r,people:c,failure:m,isOpen:g})}</p>
    </div>
  `}function zi({chosen:t,onRemove:e}){return a`
    <ul class="chips" aria-label="Chosen people" hidden=${t.length===0}>
      ${t.map(({handle:n,display_name:s})=>a`<li key=${n} title=${`@${n}`}>
            <span class="name" dir="auto">${s}</span>
            <button type="button" aria-label=${`Remove ${s}`} onClick=${()=>e(n)}><${v} name="close" /></button>
          </li>`)}
    </ul>
  `}function Ki({person:t,index:e,isChosen:n,onChoose:s}){let o=T(null);return x(()=>{n&&o.current?.scrollIntoView({block:"nearest"})},[n]),a`
    <li ref=${o} id=${`picked-person-${e}`} role="option" aria-selected=${n?"true":"false"} onClick=${()=>s(t)}>
      <${R} name=${t.display_name} handle=${t.handle} size="small" />
      <span class="name" dir="auto">${t.display_name}</span>
      <span class="handle">@${t.handle}</span>
    </li>
  `}function Vi({isFull:t,most:e,query:n,people:s,failure:o,isOpen:r}){return t?`${e} people at once are the most.`:n.trim()===""?"":o||(s===null?"Searching…":r?"":`No other user is called “${n.trim()}”`)}function Xi(t,e,n,s){let o=ae(e).trim(),i=[...z(t.groups).filter(u=>u.handle!==null&&un(u,o)),...n].map(({handle:u,display_name:d})=>({handle:u??"",display_name:d}));return[...new Map(i.map(u=>[u.handle,u])).values()].filter(({handle:u})=>!s.has(u)).slice(0,at)}var cn=50,Ji=99;function lo(){let[t,e]=h(!1);return a`
    <button class="round quiet new-group-button" aria-label="New group" title="New group" onClick=${()=>e(!0)}>
      <${v} name="people" />
    </button>
    ${t&&a`<${Qi} onClose=${()=>e(!1)} />`}
  `}function Qi({onClose:t}){let e=w(),[n,s]=h([]),[o,r]=h(""),[i,l]=h(!1),u=T(me()),{failure:d,isRunning:c,run:m}=ee();return a`
    <${O} label="New group" kind="group-dialog" onClose=${t}>
      <form onSubmit=${async f=>{let{currentTarget:g}=f;f.preventDefault();let b=n.map(M=>M.handle),$={title:o.trim(),handles:b,uuid:u.current,shows_history:i},y="";await m(async()=>{y=(await e.groups.create($)).uuid})&&(D(g),F(W(y)))}}>
        <h2>New group</h2>
        <${ut} chosen=${n} onChange=${s} most=${Ji} />
        <label>
          Title
          <input
            name="title"
            required
            maxlength=${cn}
            pattern=".*\\S.*"
            autocomplete="off"
            dir="auto"
            value=${o}
            onInput=${f=>r(f.currentTarget.value)}
          />
        </label>
        <label class="check">
          <input type="checkbox" checked=${i} onChange=${f=>l(f.currentTarget.checked)} />
          <span>New members see earlier messages</span>
        </label>
        ${d&&a`<p class="failure" role="alert">${d}.</p>`}
        <p class="dialog-buttons">
          <button type="button" class="quiet" onClick=${f=>D(f.currentTarget)}>Cancel</button>
          <button class="primary" disabled=${c||n.length===0||o.trim()===""}>Create</button>
        </p>
      </form>
    <//>
  `}var ct=class{#e;#t={x:0,y:0};constructor(e){this.onMenu=e}get listeners(){let{onContextMenu:e,onPointerDown:n,onPointerMove:s,cancel:o}=this;return{onContextMenu:e,onPointerDown:n,onPointerMove:s,onPointerUp:o,onPointerCancel:o}}onContextMenu=e=>{this.cancel();let n=uo(e.target);!n||co(e.target)||(e.preventDefault(),this.onMenu(n,{x:e.clientX,y:e.clientY}))};onPointerDown=e=>{this.cancel();let n=uo(e.target);e.pointerType!=="touch"||!n||co(e.target)||(this.#t={x:e.clientX,y:e.clientY},this.#e=setTimeout(()=>{Zi(),this.onMenu(n,this.#t)},500))};onPointerMove=e=>{Math.hypot(e.clientX-this.#t.x,e.clientY-this.#t.y)>10&&this.cancel()};cancel=()=>clearTimeout(this.#e)};function Zi(){let t=new AbortController,e={capture:!0,signal:t.signal},n=s=>{s.preventDefault(),s.stopPropagation(),t.abort()};document.addEventListener("click",n,e),document.addEventListener("pointerdown",()=>t.abort(),e)}function po({key:t,shiftKey:e,target:n}){return n instanceof HTMLElement&&n.dataset.number!==void 0&&(t==="Enter"||t==="ContextMenu"||t==="F10"&&e)}function te(t){let{left:e,bottom:n}=t.getBoundingClientRect();return{x:e,y:n}}function uo(t){let e=t instanceof Element?t.closest("[data-number]"):null;return e instanceof HTMLElement?e:null}function co(t){let e=getSelection(),n=t instanceof Node&&!e?.isCollapsed&&e?.containsNode(t,!0);return t instanceof Element&&t.closest("a, textarea")!==null||n===!0}var fe=navigator.language.match(/^en(-[A-Z]{2})?$/)?.[0]??"en-GB",Re=6e4,dn=60*Re,ea=24*dn,dt=new Intl.DateTimeFormat(fe,{hour:"numeric",minute:"2-digit"}),mo=new Intl.DateTimeFormat(fe,{weekday:"long"}),ta=new Intl.DateTimeFormat(fe,{weekday:"short"}),fo=new Intl.DateTimeFormat(fe,{day:"numeric",month:"short"}),na=new Intl.DateTimeFormat(fe,{weekday:"long",day:"numeric",month:"long"}),ho=new Intl.DateTimeFormat(fe,{day:"numeric",month:"long",year:"numeric"}),sa=new Intl.DateTimeFormat(fe,{dateStyle:"full",timeStyle:"short"});function pt(t){return dt.format(new Date(t))}function J(t){return sa.format(new Date(t))}function Me(t){return new Date(t).toDateString()}function go(t,e){let n=new Date(t).getTime(),s=e-n;if(s<Re)return"now";if(s<dn)return`${Math.floor(s/Re)} min`;let o=pn(n,e);return o===0?dt.format(n):o===1?"Yesterday":o<7?ta.format(n):new Date(n).getFullYear()===new Date(e).getFullYear()?fo.format(n):ho.format(n)}function $o({is_online:t,last_seen_at:e},n){if(t)return"online";if(e===null)return"";let s=new Date(e).getTime();if(n-s<2*Re)return"last seen just now";if(n-s<dn)return`last seen ${Math.floor((n-s)/Re)} min ago`;let o=pn(s,n);return o===0?`last seen at ${dt.format(s)}`:o===1?`last seen yesterday at ${dt.format(s)}`:`last seen on ${o<7?mo.format(s):fo.format(s)}`}function bo(t,e){let n=new Date(t).getTime(),s=pn(n,e);return s===0?"Today":s===1?"Yesterday":s>1&&s<7?mo.format(n):new Date(n).getFullYear()===new Date(e).getFullYear()?na.format(n):ho.format(n)}function pn(t,e){return Math.round((new Date(e).setHours(0,0,0,0)-new Date(t).setHours(0,0,0,0))/ea)}function yo({group:t,isOpen:e,onInfo:n}){return a`
    <header class="conversation-head">
      <a class="back round quiet" href=${I} aria-label="Back to all conversations"><${v} name="back" /></a>
      <${le} group=${t} />
      <div class="conversation-title" onClick=${n}>
        <h1 dir="auto">${t.display_name}</h1>
        <p class="handle">${Le(t.member_count)}</p>
      </div>
      <button class="round quiet info-button" id="group-info-button" aria-label="Group info" title="Group info" aria-expanded=${e?"true":"false"} onClick=${n}>
        <${v} name="info" />
      </button>
    </header>
  `}function Le(t){return t===1?"1 member":`${t} members`}var oa=/```\n?([\s\S]+?)\n?```|`([^`\n]+)`/g,ra=/(?<![\p{L}\p{N}*])\*(?![\s*])()([^*\n]*[^*\s])\*(?![\p{L}\p{N}*])/gu;function _o(t,e=[]){return wo(t,oa,n=>n?"block":"code").flatMap(n=>n.kind==="plain"?Ds(n.text).flatMap(s=>ia(s,e)):[n])}function ia({text:t,href:e},n){return e!==null?[{text:t,kind:"link",href:e}]:wo(t,ra,()=>"emphasis").flatMap(s=>s.kind==="plain"?cs(s.text,n).map(aa):[s])}function aa({text:t,member:e}){return e?{text:t,kind:"mention",member:e}:{text:t,kind:"plain"}}function wo(t,e,n){let s=[],o=0;for(let r of t.matchAll(e))r.index>o&&s.push({text:t.slice(o,r.index),kind:"plain"}),s.push({text:r[1]||r[2]||"",kind:n(r[1])}),o=r.index+r[0].length;return o<t.length&&s.push({text:t.slice(o),kind:"plain"}),s}var la="\\p{RGI_Emoji}",ua="v",ca=new RegExp(`^\\s*(?:${la}\\s*){1,3}$`,ua);function vo(t){return ca.test(t)}var da={edit:"Not changed.",delete:"Not deleted.",hide:"Not deleted.",react:"Reaction not added.",unreact:"Reaction not removed."};function ko({change:t,canEdit:e,onEdit:n,onDiscard:s}){let o=t.text;return a`
    <div class="meta failure" role="alert">
      <${v} name="alert" /><span>${da[t.type]} ${t.refusal}.</span>
      ${o!==null&&a`<blockquote dir="auto">${o}</blockquote>`}
      ${o!==null&&e&&a`<button class="link" onClick=${()=>n(o)}>Edit again</button>`}
      <button class="link" onClick=${s}>Dismiss</button>
    </div>
  `}function xo({name:t,handle:e}){let n={"--hue":String(we(e??t))};return a`<p class="sender" dir="auto" style=${n} title=${e&&`@${e}`}>${t}</p>`}var pa={ArrowDown:1,ArrowUp:-1};function mt({id:t,area:e,members:n,onText:s}){let[o,r]=h(null),[i,l]=h(0),u=T(null);G(()=>{u.current!==null&&e.current?.setSelectionRange(u.current,u.current),u.current=null});let d=()=>{let{value:b,selectionStart:$}=e.current??{value:"",selectionStart:0};r(ds(b,$,n)),l(0)};x(()=>document.getElementById(`${t}-${i}`)?.scrollIntoView({block:"nearest"}),[i]);let c=()=>r(null);x(d,[n]);let m=b=>{if(!o||!b||!e.current)return;let{value:$,selectionStart:y}=e.current,k=`${$.slice(0,o.start)}@${b.handle} `;u.current=k.length,c(),s(k+$.slice(y).replace(/^ /,"")),e.current.focus()},p=b=>{if(!o||b.isComposing)return!1;let $=o.members.length,y=pa[b.key];if(y)l((i+y+$)%$);else if(b.key==="Enter"||b.key==="Tab")m(o.members[i]);else if(b.key==="Escape")c();else return!1;return b.preventDefault(),b.stopPropagation(),!0},f={"aria-autocomplete":"list","aria-controls":o?t:void 0,"aria-activedescendant":o?`${t}-${i}`:void 0,onClick:c,onBlur:c};return{list:a`<ul id=${t} class="mention-list" role="listbox" aria-label="Members" hidden=${!o}>
    ${o?.members.map((b,$)=>a`
        <li
          key=${b.uuid}
          id=${`${t}-${$}`}
          role="option"
          aria-selected=${$===i?"true":"false"}
          onMouseDown=${y=>y.preventDefault()}
          onClick=${()=>m(b)}
        >
          <${R} name=${b.display_name} handle=${b.handle} size="small" />
          <span class="name" dir="auto">${b.display_name}</span>
          <span class="handle">@${b.handle}</span>
        </li>
      `)}
  </ul>`,attributes:f,onKeyDown:p,look:d}}function So({text:t,members:e,onSave:n,onCancel:s}){let{config:o}=w(),r=T(null),[i,l]=h(t),u=o.message_max_length-_e(i),d=u>=0&&u<o.message_max_length,c=()=>d&&n(Qe(i),Ye(i,e)),m=mt({id:"editor-mention-list",area:r,members:e,onText:l});G(()=>{r.current?.focus(),r.current?.setSelectionRange(t.length,t.length)},[]);let p=f=>{if(!m.onKeyDown(f)){if(f.stopPropagation(),f.key==="Enter"&&!f.shiftKey&&!f.isComposing)c();else if(f.key==="Escape")s();else return;f.preventDefault()}};return a`
    <div class="editor">
      ${m.list}
      <div class="grow" data-text=${i}>
        <textarea
          ref=${r}
          rows="1"
          dir="auto"
          aria-label="Edit message"
          aria-invalid=${u<0?"true":"false"}
          value=${i}
          ...${m.attributes}
          onInput=${f=>{l(f.currentTarget.value),m.look()}}
          onKeyDown=${p}
        ></textarea>
      </div>
      <p class="editor-buttons">
        ${u<0&&a`<span role="alert">${-u} characters too many</span>`}
        <button class="link" onClick=${s}>Cancel</button>
        <button class="link" disabled=${!d} onClick=${c}>Save</button>
      </p>
    </div>
  `}function Mo({name:t,handle:e}){let{groups:n,me:s}=C(),{change:o,known:r,failure:i}=Eo(e),[l,u]=h(!1),d=Object.values(n).find(p=>p.handle===e),c=d?d.blocked_at!==null:r;return e===s.handle?null:a`
    ${l&&a`<div class="block-warning">
        <p>Block <bdi>${t}</bdi>? Neither of you can write to the other then. What was written stays, and <bdi>${t}</bdi> is not told.</p>
        <p class="dialog-buttons">
          <button class="quiet" onClick=${()=>u(!1)}>Cancel</button>
          <button class="primary danger" onClick=${()=>{u(!1),o(!0)}}>Block</button>
        </p>
      </div>`}
    ${!l&&(c?a`<button class="quiet" onClick=${()=>{o(!1)}}>Unblock</button>`:a`<button class="quiet danger" onClick=${()=>u(!0)}>Block…</button>`)}
    ${i&&a`<p class="failure" role="alert">${i}</p>`}
  `}function To({name:t,handle:e}){let{change:n,failure:s}=Eo(e);return a`
    <p class="composer blocked-note" role="note">
      <span>${s??a`You have blocked <bdi>${t}</bdi>. Neither of you can write to the other.`}</span>
      <button class="link" onClick=${()=>{n(!1)}}>Unblock</button>
    </p>
  `}function Eo(t){let{api:e,store:n}=w(),[s,o]=h(!1),[r,i]=h(null);return{change:async u=>{try{let d=await e.call(u?"PUT":"DELETE",`/api/users/@${t}/block`);o(u),i(null),n.update(c=>Zs(c,d))}catch(d){i(E(d))}},known:s,failure:r}}var ma={spam:"Spam or unwanted offers",harassment:"Harassment or insults",threat:"Threats or violence",impersonation:"Pretends to be another person",illegal:"Something illegal",other:"Something else"},fa=1e3;function ft({target:t,name:e,text:n,onClose:s}){let{state:o,send:r}=ga(t),i=n===void 0?`Report ${e}?`:"Report this message?";return a`
    <${O} label=${i} kind="about-message report" onClose=${s}>
      ${o.isSent?a`
            <h2>Thank you</h2>
            <p role="status">Your report is with the operators of this service.</p>
            <p class="dialog-buttons">
              <button class="primary" onClick=${l=>D(l.currentTarget)}>Close</button>
            </p>
          `:a`<${ha} ...${{title:i,name:e,text:n,state:o}} onSend=${r} />`}
    <//>
  `}function ha({title:t,name:e,text:n,state:s,onSend:o}){return a`
    <form onSubmit=${i=>{i.preventDefault(),o(new FormData(i.currentTarget))}}>
      <h2 dir="auto">${t}</h2>
      ${n!==void 0&&a`<blockquote dir="auto">${n}</blockquote>`}
      <fieldset>
        <legend>What is wrong?</legend>
        ${Object.entries(ma).map(([i,l])=>a`<label key=${i}><input type="radio" name="reason" value=${i} required /> ${l}</label>`)}
      </fieldset>
      <label>
        What should the operators know? (optional)
        <textarea name="note" rows="3" maxlength=${fa} dir="auto"></textarea>
      </label>
      <p class="hint">
        ${n===void 0?"The operators of this service see your report.":"The operators of this service see this message and up to five messages before and after it."}
        <span dir="auto"> ${e}</span> is not told.
      </p>
      ${s.failure&&a`<p class="failure" role="alert">${s.failure}.</p>`}
      <p class="dialog-buttons">
        <button type="button" class="quiet" onClick=${i=>D(i.currentTarget)}>Cancel</button>
        <button class="primary" disabled=${s.isSending}>Report</button>
      </p>
    </form>
  `}function ga(t){let{api:e}=w(),[n,s]=h({isSending:!1,isSent:!1,failure:""}),o=T({content:"",uuid:""});return{state:n,send:async i=>{let l=String(i.get("note")).trim(),u={...t,reason:i.get("reason"),...l&&{note:l}},d=JSON.stringify(u);d!==o.current.content&&(o.current={content:d,uuid:me()}),s({isSending:!0,isSent:!1,failure:""});try{await e.request("POST","/api/reports",{...u,uuid:o.current.uuid}),s({isSending:!1,isSent:!0,failure:""})}catch(c){s({isSending:!1,isSent:!1,failure:E(c)})}}}}function he({name:t,handle:e,tabindex:n=0,look:s="person-button",children:o}){let r=T(null),[i,l]=h(!1),[u,d]=h(!1),c=()=>{r.current?.close(),d(!0)};return G(()=>{i&&r.current?.showModal()},[i]),a`
    <button class=${s} tabindex=${n} aria-label=${`About ${t}`} onClick=${()=>l(!0)}>
      ${o}
    </button>
    ${i&&a`<dialog class="dialog person-card" ref=${r} aria-label=${`About ${t}`} onClose=${()=>l(!1)}>
        <${R} name=${t} handle=${e} size="large" />
        <p class="name" dir="auto">${t}</p>
        <p class="handle">${e?`@${e}`:"This account was deleted"}</p>
        ${e&&a`<${$a} handle=${e} />`}
        <p class="hint">Names are not unique and may change. A handle belongs to one user and never changes.</p>
        ${e&&a`<${Mo} name=${t} handle=${e} />`}
        <p class="dialog-buttons">
          ${e&&a`<button class="quiet" onClick=${c}>Report</button>`}
          <button class="primary" autofocus onClick=${()=>r.current?.close()}>Close</button>
        </p>
      </dialog>`}
    ${u&&a`<${ft} target=${{handle:e}} name=${t} onClose=${()=>d(!1)} />`}
  `}function $a({handle:t}){let{api:e}=w(),[n,s]=h("");return x(()=>{e.get(`/api/users/@${t}`).then(o=>s(o.about),()=>{})},[t,e]),n&&a`<p class="about" dir="auto">${n}</p>`}function Co({reactions:t,onReact:e}){return a`
    <ul class="reactions" aria-label="Reactions">
      ${t.map(({emoji:n,count:s,me:o})=>a`<li key=${n}>
            <button
              class="reaction"
              aria-pressed=${o?"true":"false"}
              aria-label=${`${n} ${s}${o?", you reacted":""}`}
              onClick=${()=>e(n)}
            >
              <span class="emoji">${n}</span>${s>1&&a`<span>${s}</span>`}
            </button>
          </li>`)}
    </ul>
  `}var ba={sent:{name:"Sent",icon:"check"},delivered:{name:"Delivered",icon:"checks"},read:{name:"Read",icon:"checks"}};function ht({kind:t}){let{name:e,icon:n}=ba[t];return a`<span class="receipt is-${t}" title=${e}><${v} name=${n} /><i class="hidden">${e}</i></span>`}var gt="Message deleted",mn="Disappearing message",$t="Message expired";function Oo(t){let{message:e,isOwn:n,isFirst:s,isLast:o,changes:r,actions:i}=t,{reactions:l}=e,u=pt(e.created_at);return a`
    <article
      class=${Ro({isOwn:n,isFirst:s,isLast:o})}
      data-number=${e.number}
      tabindex="-1"
      aria-label=${`${n?"You":e.display_name}, ${u}`}
    >
      ${!n&&a`<span class="side">${o&&a`<${he} name=${e.display_name} handle=${e.handle} tabindex=${-1}><${R} name=${e.display_name} handle=${e.handle} size="small" /><//>`}</span>`}
      <div class="bubble-row"><${ya} ...${t} /><${_a} message=${e} actions=${i} /></div>
      ${l.length>0&&a`<${Co} reactions=${l} onReact=${d=>i.onReact(e,d)} />`}
      <${wa} ...${t} />
      ${r.filter(d=>d.refusal!==null).map(d=>a`<${ko}
              key=${d.uuid}
              change=${d}
              canEdit=${i.canEdit(e)}
              onEdit=${c=>i.onEdit(e,c)}
              onDiscard=${()=>i.onDiscard(d.uuid)}
            />`)}
    </article>
  `}function ya({message:t,quoted:e,actions:n,onJump:s,members:o,me:r,isNamed:i}){let l=t.reply_to,{editing:u}=n,d=()=>t.deleted_at?a`<p class="text deleted">${gt}</p>`:Y(t,Date.now())?a`<p class="text deleted">${$t}</p>`:u?.number!==t.number?a`<${Do} text=${t.message} me=${r} mentioned=${us(t.mentions,o)} />`:a`<${So}
      text=${u.text}
      members=${o}
      onSave=${(m,p)=>n.onSave(t,m,p)}
      onCancel=${()=>n.onCancel(t)}
    />`,c=t.user_uuid!==r&&t.mentions.some(m=>m.user_uuid===r);return a`
    <div class="bubble ${c?"for-me":""}">
      ${i&&a`<${xo} name=${t.display_name} handle=${t.handle} />`}
      ${l!==null&&!t.deleted_at&&!Y(t,Date.now())&&a`<${yt} message=${e} onClick=${()=>s(l)} />`}
      ${d()}
    </div>
  `}function _a({message:t,actions:e}){let n=s=>e.onMenu(t,te(s.currentTarget));return a`
    ${!t.deleted_at&&!Y(t,Date.now())&&a`<button class="tool reply" tabindex="-1" aria-label="Reply" title="Reply (r)" onClick=${()=>e.onReply(t)}>
        <${v} name="reply" />
      </button>`}
    <button class="tool more" tabindex="-1" aria-label="Actions" aria-haspopup="menu" title="Actions (Enter)" onClick=${n}>
      <${v} name="more" />
    </button>
  `}function wa({message:t,isLast:e,receipt:n,changes:s,isOnline:o,actions:r}){let i=s.some(d=>d.refusal===null),l=t.edited_at!==null&&t.deleted_at===null,u=Y(t,Date.now())?null:t.expires_at;return!e&&!n&&!l&&!i&&!u?null:a`
    <p class="meta">
      <time datetime=${t.created_at} title=${J(t.created_at)}>${pt(t.created_at)}</time>
      ${l&&a`<button class="edited" tabindex="-1" title=${J(t.edited_at??"")} onClick=${()=>r.onShowEdits(t)}>edited</button>`}
      ${u&&a`<time class="expires" datetime=${u} title=${J(u)}>disappears ${pt(u)}</time>`}
      ${i&&a`<span class="sending">${o?"Saving…":"Will be saved when you are back online"}</span>`}
      ${n&&a`<${ht} kind=${n} />`}
    </p>
  `}function bt({pending:t,isFirst:e,isLast:n,quoted:s,isOnline:o,onRetry:r,onDiscard:i}){let l=t.refusal===null?"waiting":"refused";return a`
    <article
      class="${Ro({isOwn:!0,isFirst:e,isLast:n})} ${l}"
      data-pending=${t.uuid}
      tabindex="-1"
      aria-label="You"
    >
      <div class="bubble-row">
        <div class="bubble">${t.reply_to!==null&&a`<${yt} message=${s} />`}<${Do} text=${t.text} /></div>
      </div>
      ${t.refusal===null?n&&a`<p class="meta">
              <span class="sending"><${v} name="clock" /> ${o?"Sending…":"Will be sent when you are back online"}</span>
            </p>`:a`<p class="meta failure" role="alert">
              <${v} name="alert" /><span>Not sent. ${t.refusal}</span>
              <button class="link" onClick=${r}>Try again</button>
              <button class="link" onClick=${i}>Delete</button>
            </p>`}
    </article>
  `}function Do({text:t,mentioned:e=[],me:n=""}){let[s,o]=h(!1),r=Os(t),i=r!==t,l=s?t:r;return a`
    <p class="text ${vo(t)?"big":""}" dir="auto">${_o(l,e).map(u=>va(u,n))}</p>
    ${i&&a`<button class="link fold" onClick=${()=>o(!s)}>${s?"Show less":"Show all"}</button>`}
  `}function va({kind:t,text:e,href:n,member:s},o){return t==="mention"?a`<${he} name=${s?.display_name} handle=${s?.handle} look="mention ${s?.uuid===o?"is-me":""}">${e}<//>`:t==="link"?a`<${ka} text=${e} href=${n} />`:t==="emphasis"?a`<em>${e}</em>`:t==="plain"?e:a`<code class=${t}>${e}</code>`}function ka({text:t,href:e}){return e.startsWith(location.origin+I)?a`<a href=${e}>${t}</a>`:a`<a href=${e} target="_blank" rel="noopener noreferrer nofollow">${t}</a>`}function yt({message:t,onClick:e}){let n=t&&xa(t),s=a`
    <span class="quote-name" dir="auto">${t?.display_name??"Reply"}</span>
    <span class="quote-text" dir="auto">${n??"to a message that cannot be shown"}</span>
  `;return e?a`<button class="quote" onClick=${e}>${s}</button>`:a`<div class="quote">${s}</div>`}function xa(t){return t.deleted_at||t.is_hidden?gt:t.message||!t.expires_at?t.message:Y(t,Date.now())?$t:mn}function Ao({at:t,now:e}){return a`<div class="day"><time datetime=${t}>${bo(t,e)}</time></div>`}function No(){return a`<div class="unread-line"><span>New</span></div>`}function Ro({isOwn:t,isFirst:e,isLast:n}){return["message",t&&"own",e&&"first",n&&"last"].filter(Boolean).join(" ")}var Lo=20,Po=ys(({group:t,me:e,now:n,isOpen:s,isTyping:o,isOnline:r,draft:i,isReachable:l,sender:u,onMenu:d})=>a`
    <li onContextMenu=${m=>{m.preventDefault();let{currentTarget:p,clientX:f,clientY:g}=m;d(t,f||g||!(p instanceof Element)?{x:f,y:g}:te(p))}}>
      <a
        class="group ${ie(t)?"unread":""} ${re(t,n)?"is-muted":""}"
        href=${W(t.uuid)}
        aria-current=${s?"page":void 0}
        tabindex=${l?0:-1}
        data-group=${t.uuid}
      >
        <${le} group=${t} isOnline=${r} />
        <span class="group-text">
          <span class="group-head">
            <span class="name" dir="auto">${t.display_name}</span>
            <span class="handle">${L(t)?Le(t.member_count):t.handle&&`@${t.handle}`}</span>
            ${r&&a`<span class="hidden">online</span>`}
            ${re(t,n)&&a`<${Io} icon="muted" label="Muted" />`}
            ${t.pin_position!==null&&a`<${Io} icon="pin" label="Pinned" />`}
            <time datetime=${t.created_at} title=${J(t.created_at)}
              >${go(t.created_at,n)}</time
            >
          </span>
          <span class="group-tail">
            ${o?a`<span class="preview is-typing">typing…</span>`:a`<span class="preview" dir="auto"
                    >${Ma(t,e,i,u)}${i||t.message||a`<em>${Ta(t)}</em>`}</span
                  >`}
            ${t.unread_mention_count>0&&a`<span class="badge mentions">@${t.unread_mention_count>1?Ea(t.unread_mention_count):""}<span class="hidden"> unread mentions</span></span>`}
            ${ie(t)&&a`<${Sa} count=${t.unread_count} />`}
          </span>
        </span>
      </a>
      <button
        class="tool more"
        tabindex="-1"
        aria-label=${`Actions for ${t.display_name}`}
        aria-haspopup="menu"
        title="Actions"
        onClick=${m=>d(t,te(m.currentTarget))}
      >
        <${v} name="more" />
      </button>
    </li>
  `);function Io({icon:t,label:e}){return a`<span class="group-mark" title=${e}><${v} name=${t} /><span class="hidden">${e}</span></span>`}function Sa({count:t}){return t===0?a`<span class="badge is-marked"><span class="hidden">Marked unread</span></span>`:a`<span class="badge">${Ie(t)}<span class="hidden"> unread</span></span>`}function Ma(t,e,n,s){return n?a`<span class="draft">Draft: </span>`:s?a`<span class="you"><bdi>${s}</bdi>: </span>`:t.last_message_by===e&&(t.message||!L(t))&&a`<span class="you">You: </span>`}function Ta(t){return t.expires_at?Y(t,Date.now())?$t:mn:L(t)?"No message to show":gt}function Ea(t){return t<Lo?String(t):`${Lo}+`}function Ie(t){return t>99?"99+":String(t)}var fn=36e5,Ca=[{label:"For 1 hour",time:fn},{label:"For 8 hours",time:8*fn},{label:"For 1 week",time:168*fn}],Oa="9999-12-31T23:59:59.999Z",Da={clear:"Clear",leave:"Leave"},Aa="All messages until now are removed for you, on all your devices, and for nobody else.";function Fo({group:t,at:e,onClose:n}){let s=w(),[o,r]=h(null),[i,l]=h(""),u=async(c,m)=>{if(c.step)return r(c.step);let p=m.closest("dialog");try{await c.act?.(),D(p)}catch(f){l(E(f))}},d=o?Ra(o,t,s):Na(t,s);return a`
    <${O} label=${`Actions for ${t.display_name}`} kind="actions" at=${e} onClose=${n}>
      ${o&&o!=="mute"&&a`<p class="menu-warning">${o==="clear"?Aa:La(t)}</p>`}
      <div role="menu" aria-label="Conversation" key=${o??""}>
        ${d.map(c=>a`<button
            key=${c.label}
            role="menuitem"
            class=${c.isDanger?"danger":""}
            onClick=${({currentTarget:m})=>{u(c,m)}}
          ><${v} name=${c.icon} />${c.label}</button>`)}
      </div>
      ${i&&a`<p class="failure" role="alert">${i}.</p>`}
    <//>
  `}function Na(t,e){let{uuid:n}=t,s=l=>()=>e.changeView(n,l),o=t.pin_position!==null,r=t.folder==="archive";return[ie(t)?{label:"Mark as read",icon:"check",act:()=>e.markRead(t)}:{label:"Mark as unread",icon:"unread",act:s({is_marked_unread:!0})},t.folder==="inbox"&&{label:o?"Unpin":"Pin",icon:"pin",act:s({pin_position:o?0:1})},re(t,Date.now())?{label:"Unmute",icon:"bell",act:s({muted_until:new Date(0).toISOString()})}:{label:"Mute…",icon:"muted",step:"mute"},t.folder!=="requests"&&{label:r?"Move to the inbox":"Archive",icon:"archive",act:s({is_archived:!r})},t.cleared_number<t.last_number&&{label:"Clear…",icon:"trash",step:"clear"},{label:"Leave…",icon:"signOut",step:"leave",isDanger:!0}].filter(l=>l!==!1)}function Ra(t,{uuid:e,last_number:n},s){let o=i=>()=>s.changeView(e,{muted_until:i});if(t==="mute"){let i=u=>new Date(Date.now()+u).toISOString();return[...Ca.map(({label:u,time:d})=>({label:u,icon:"clock",act:()=>o(i(d))()})),{label:"Until I unmute it",icon:"muted",act:o(Oa)}]}let r=t==="clear"?()=>s.changeView(e,{cleared_number:n}):()=>Ia(s,e);return[{label:Da[t],icon:t==="clear"?"trash":"signOut",act:r,isDanger:!0}]}function La(t){return Z(t)?"The request leaves your list, and does not come back.":t.kind==="direct"?"The conversation leaves your list, and comes back with the next message.":`The group leaves your list, and does not come back unless its owner or an admin adds you again.${t.role==="owner"?" Another member becomes the owner.":""}`}async function Ia(t,e){await t.leave(e),location.pathname.startsWith(W(e))&&F(I,{replace:!0})}function qo({person:t}){return a`
    <li>
      <a class="group" href=${ve(t.handle)} aria-current="page" tabindex="0">
        <${R} name=${t.display_name} handle=${t.handle} />
        <span class="group-text">
          <span class="group-head">
            <span class="name" dir="auto">${t.display_name}</span>
            <span class="handle">@${t.handle}</span>
          </span>
          <span class="group-tail"><span class="preview">New conversation</span></span>
        </span>
      </a>
    </li>
  `}var Pa=400,Fa=[{name:"inbox",label:"Inbox"},{name:"requests",label:"Requests"},{name:"archive",label:"Archive"}];function Ho({open:t,newPerson:e}){let n=w(),s=C(),o=Ve(s.groups,"requests"),r=o.some(l=>l.uuid===t);x(()=>{r&&n.inbox.show("requests")},[t,r,n]);let i=s.folder==="requests"&&o.length===0?"inbox":s.folder;return a`
    <header class="inbox-head">
      <h1>Messages</h1>
      <${Hs} connection=${s.connection} />
      <${lo} />
      <${qs} me=${s.me} />
    </header>
    <${ao} />
    <${Ha} folder=${i} requests=${o} />
    <${qa} ...${{state:s,open:t,folder:i}} newPerson=${i==="inbox"?e:null} />
  `}function qa({state:t,open:e,folder:n,newPerson:s}){let o=w();if(!t.hasInbox&&t.inboxFailure)return a`
      <div class="notice" role="alert">
        <p>Your conversations could not be loaded.</p>
        <button class="quiet" onClick=${()=>o.inbox.retryNow()}>Try again</button>
      </div>
    `;if(!t.hasInbox)return a`<${Ya} />`;let r=Ve(t.groups,n);return r.length===0&&!s&&t.nextPages[n]===null?a`<${ja} folder=${n} />`:a`<${Ga} ...${{state:t,groups:r,open:e,folder:n,newPerson:s}} />`}function Ha({folder:t,requests:e}){let n=w(),s=Fa.filter(({name:o})=>o!=="requests"||e.length>0);return a`
    <div class="folders" role="group" aria-label="Folders">
      ${s.map(({name:o,label:r})=>a`<button
          key=${o}
          aria-pressed=${o===t}
          onClick=${()=>n.inbox.show(o)}
        >${r} ${o==="requests"&&a`<${Ua} requests=${e} />`}</button>`)}
    </div>
  `}function Ua({requests:t}){let e=!t.some(ie);return a`<span class="badge ${e?"is-read":""}">${Ie(t.length)}</span>`}function ja({folder:t}){return t==="archive"?a`<div class="notice"><p>Nothing is archived.</p></div>`:a`<div class="notice">
    <p>You have no conversations yet.</p>
    <p>Find a person above and say hello.</p>
  </div>`}function Ga({state:t,groups:e,open:n,folder:s,newPerson:o}){let r=w(),{shown:i,onPointerDown:l}=Ba(e),u=be(),d=T(null),[c,m]=h(null),p=Q(()=>({uuid:_},U)=>m({uuid:_,at:U}),[]),f=c&&t.groups[c.uuid],[g,b]=h(null),$=t.nextPages[s],y=[g,n].find(_=>e.some(U=>U.uuid===_))??e[0]?.uuid,k=_=>{let U=_.target instanceof Element?_.target.closest("[data-group]"):null;U instanceof HTMLElement&&b(U.dataset.group??null)},M=()=>{let _=d.current;_!==null&&_.clientHeight>0&&_.scrollHeight-_.scrollTop-_.clientHeight<Pa&&r.inbox.loadMore()};return x(M,[$,e.length,n,s]),a`
    <nav class="groups" aria-label="Conversations" ref=${d} onScroll=${M}>
      <ul role="list" onKeyDown=${Wa} onfocusin=${k} onPointerDown=${l}>
        ${o&&a`<${qo} key="new" person=${o} />`}
        ${i.map(_=>a`<${Po}
              key=${_.uuid}
              group=${_}
              me=${t.me.uuid}
              now=${u}
              isOpen=${_.uuid===n}
              isTyping=${Ts(t,_.uuid)}
              sender=${bs(t,_)}
              isOnline=${ks(t,_)}
              draft=${_.uuid===n?"":t.drafts[_.handle??_.uuid]??""}
              isReachable=${_.uuid===y}
              onMenu=${p}
            />`)}
      </ul>
      ${f&&a`<${Fo} key=${c} group=${f} at=${c.at} onClose=${()=>m(null)} />`}
      ${$!==null&&a`<p class="more" role="status">${t.inboxFailure??"Loading more conversations…"}</p>`}
    </nav>
  `}function Ba(t){let e=T(null),[,n]=h(0),s=()=>{e.current&&setTimeout(()=>{e.current=null,n(l=>l+1)})};K(window,"pointerup",s),K(window,"pointercancel",s);let o=l=>{l.button===0&&(e.current=new Map(t.map(({uuid:u},d)=>[u,d])))},r=e.current,i=({uuid:l})=>r?.get(l)??t.length;return{shown:r?[...t].sort((l,u)=>i(l)-i(u)):t,onPointerDown:o}}function Wa(t){let e=[...t.currentTarget.querySelectorAll("a")],n=e.indexOf(document.activeElement),s=e.length-1,r={ArrowDown:Math.min(n+1,s),ArrowUp:Math.max(n-1,0),Home:0,End:s}[t.key];r!==void 0&&(t.preventDefault(),e[r]?.focus())}function Ya(){return a`
    <div class="skeleton" role="status" aria-label="Loading conversations">
      ${[1,2,3,4,5].map(t=>a`<div key=${t} class="skeleton-row"><span></span><i></i><i></i></div>`)}
    </div>
  `}var za=500,Ka=15e3,Va=1.5,H=class{firstDelay=za;isStopped=!1;#e=0;#t=()=>{};reset(){this.#e=0}async wait(e=0){let n=Math.min(Ka,this.firstDelay*Va**this.#e++);await new Promise(s=>{let o=setTimeout(s,Math.max(e,n*(.5+Math.random()/2)));this.#t=()=>{clearTimeout(o),s(void 0)}})}async repeat(e,n){for(;;)try{let s=await e();return this.reset(),s}catch(s){if(this.isStopped||!Xa(s)||(n?.(s),await this.wait(s.retryAfter*1e3),this.isStopped))throw s}}retryNow(){this.#t()}stop(){this.isStopped=!0,this.#t()}};function Xa(t){return t instanceof N&&t.isRetryable&&!(t instanceof A&&t.status===401)}var _t="cruddur-sign-in",Ja=3e3,wt=class extends Error{};async function Uo(t,e){let n=hn(crypto.getRandomValues(new Uint8Array(32))),s=`${hn(crypto.getRandomValues(new Uint8Array(16)))}~${e}`;sessionStorage.setItem(_t,JSON.stringify({verifier:n,state:s}));let o=await crypto.subtle.digest("SHA-256",new TextEncoder().encode(n)),r=new URLSearchParams({response_type:"code",client_id:t.client_id,redirect_uri:gn(),scope:t.scope,state:s,code_challenge_method:"S256",code_challenge:hn(new Uint8Array(o))});location.assign(`${t.authorize_url}?${r}`)}async function jo(t){let e=new URLSearchParams(location.search),n=JSON.parse(sessionStorage.getItem(_t)??"null");if(!e.has("state")||!n)return null;sessionStorage.removeItem(_t);let s=e.get("state")===n.state,o=s?n.state.slice(n.state.indexOf("~")+1):V("/messages");if(history.replaceState(null,"",o),!s)throw new wt("This sign-in was not started in this tab: sign in again");let r=e.get("code");if(r===null)throw new wt(e.get("error_description")??e.get("error")??"Cognito returned no code: sign in again");return await Wo(t,{grant_type:"authorization_code",code:r,redirect_uri:gn(),code_verifier:n.verifier})}function Go(t,e){if(e===void 0)throw new A(401,"no-refresh-token","Please sign in again",0);return Wo(t,{grant_type:"refresh_token",refresh_token:e})}async function Bo(t,e){if(sessionStorage.removeItem(_t),e!==void 0){let n=new URLSearchParams({token:e,client_id:t.client_id}),s=AbortSignal.timeout(Ja);await fetch(t.revoke_url,{method:"POST",body:n,mode:"no-cors",keepalive:!0,signal:s}).catch(()=>{})}location.assign(`${t.logout_url}?${new URLSearchParams({client_id:t.client_id,logout_uri:gn()})}`)}async function Wo(t,e){let n=new URLSearchParams({client_id:t.client_id,...e}),s=await ze(t.token_url,{method:"POST",body:n});if(!s.ok)throw new A(s.status,"sign-in-refused","Please sign in again",0);return ye(s)}function gn(){return location.origin+V("/")}function hn(t){return btoa(String.fromCharCode(...t)).replaceAll("+","-").replaceAll("/","_").replaceAll("=","")}var Qa=6e4,bn="cruddur-handle",vt=class{#e=null;#t;#n="";#s=0;#o=!1;constructor(e,n,s){this.fetchTokens=n,this.revoke=s,this.onRefused=()=>{},this.#i(e)}#i(e){let n=e.expires_in*1e3;this.#n=e.access_token,this.#t=e.refresh_token??this.#t,this.#s=Date.now()+n-Math.min(Qa,n/2)}async getAccessToken(){if(this.#o)throw new A(401,"signed-out","You have signed out",0);return Date.now()>=this.#s&&await this.renew(),this.#n}renew(){return this.#e??=this.#r().finally(()=>{this.#e=null}),this.#e}async#r(){try{this.#i(await this.fetchTokens(this.#t))}catch(e){throw e instanceof A&&!(e.status>=500)&&this.onRefused(""),e}}async signOut(){let e=this.#t;this.#o=!0,this.#n="",this.#t=void 0,await this.revoke(e)}};async function zo(t){if(t.sign_in.kind==="cognito"){let n=t.sign_in,s=await jo(n);return s&&new vt(s,o=>Go(n,o),o=>Bo(n,o))}let e=t.sign_in.kind==="local"?sessionStorage.getItem(bn):null;return e===null?null:Za(e)}async function yn(t,e){let n=new vt(await Yo(t,e),()=>Yo(t),$n);return sessionStorage.setItem(bn,t),n}function _n(t){return pe(`/local/users?q=${encodeURIComponent(t)}`)}async function Za(t){try{return(await _n(`@${t}`)).some(n=>n.handle===t)?await yn(t):($n(),null)}catch(e){if(e instanceof N&&e.isRetryable)throw e;return $n(),null}}function $n(){sessionStorage.removeItem(bn)}function Yo(t,e){return pe("/local/token",{method:"POST",headers:{"content-type":"application/json"},body:JSON.stringify({handle:t,display_name:e})})}var el=300,tl=20,kt=class{#e;#t=null;#n=null;#s=null;#o=new H;#i=!1;constructor(e,n){this.api=e,this.store=n}async open(e,n,s){this.#t=n,this.#n=s,await this.#r(e,null)}async#r(e,n){let[s,o]=[this.#t,this.#n],r=B(this.store.state)?void 0:this.#l(e);this.store.set({thread:r??{...nl(e,this.store.state.groups[e]),failure:n}});try{let i=await this.#d(e),l=Math.max(i.read_number,i.cleared_number),u=i.unread_count>0&&l>0?l+1:null,{change_number:d}=i;this.store.updateThread(e,c=>({...c,unreadFrom:u,...c.isLoading?{changeNumber:d}:{}})),s&&s.number<=i.last_number?await this.#u(e,s.number,{at:"position",...s}):o!==null&&o<=i.last_number?await this.#u(e,o,{at:"message",number:o}):i.unread_count>0?await this.#u(e,l+1,{at:"unread"}):await this.#u(e,null,{at:"end"}),i.is_marked_unread&&i.read_number>0&&this.#h(e,i.read_number),await this.fetchMarkers(e)}catch(i){this.#$(e,i)}}async retryNow(){this.#o.retryNow();let e=this.store.state.thread;e?.failure?await this.#r(e.group,e.failure):e&&await this.#m(e.group,()=>this.fetchMarkers(e.group))}close(){let{thread:e,groups:n}=this.store.state;e&&!e.isLoading&&!e.failure&&!ce(n[e.group])&&this.#a(e),this.#s=null,this.store.set({thread:null})}#a(e){let n=e.isFollowing||!this.#s?{at:"end"}:{at:"position",...this.#s},s=this.store.state.kept.filter(o=>o.group!==e.group);this.store.set({kept:[...s,{...e,scrollTarget:n,isBusy:!1}].slice(-tl)})}#l(e){return this.store.state.kept.find(n=>n.group===e)}async loadGroup(e){await this.#d(e).catch(n=>{if(!(n instanceof N))throw n})}async refreshGroup(e){await this.#p(e).catch(n=>{if(!(n instanceof N))throw n})}async#d(e){let n=this.store.state.groups[e];return n?.state==="active"?n:await this.#p(e)}async#p(e){let n=await this.api.get(`/api/message_groups/${encodeURIComponent(e)}`);return this.store.update(s=>q(s,[n])),n}async#u(e,n,s){let o=n===null?"":`&around=${n}`,r=await this.api.get(`${wn(e)}?limit=${st}${o}`),i=(this.store.state.groups[e]?.cleared_number??0)+1,l=(r[0]?.number??0)<=i;this.store.updateThread(e,u=>({...u,messages:De(u,r,this.store.state.me.uuid),atStart:l,scrollTarget:s,isLoading:!1,isBusy:!1,failure:null})),this.#o.reset()}async loadOlder(){let e=this.#g(),n=e?.messages[0]?.number;!e||e.atStart||n===void 0||await this.#f(e.group,`before=${n}`,eo)}async loadNewer(){let e=this.#g(),n=e?.messages.at(-1)?.number;!e||n===void 0||Xe(this.store.state)<=n||await this.#f(e.group,`after=${n}`,to)}async showNewest(){let e=this.store.state.thread;if(!e)return;e.messages.at(-1)?.number===Xe(this.store.state)?this.#c(e.group,{at:"end"}):await this.#m(e.group,()=>this.#u(e.group,null,{at:"end"}))}async showMessage(e){let n=this.store.state.thread;if(!n)return;let s={at:"message",number:e};n.messages.some(o=>o.number===e)?this.#c(n.group,s):await this.#m(n.group,()=>this.#u(n.group,e,s))}setView(e,n){this.#s=n;let s=this.store.state.thread;s&&s.isFollowing!==e&&this.store.updateThread(s.group,o=>({...o,isFollowing:e}))}markSeen(e){let{thread:n,groups:s}=this.store.state,o=n&&s[n.group];!o||e<=o.read_number||(clearTimeout(this.#e),this.#e=setTimeout(()=>{this.#h(o.uuid,e)},el))}async#h(e,n){this.store.state.groups[e]?.state!=="left"&&await this.#m(e,async()=>{let s=await this.api.call("PUT",`/api/message_groups/${e}/read`,{number:n});this.store.update(o=>q(o,[s]))})}async fetchMarkers(e){if(L(this.store.state.groups[e]))return;let n=await this.api.get(`/api/message_groups/${e}/read`);this.store.update(s=>n.reduce((o,r)=>Se(o,e,r),s))}async loadChanges(){let{thread:e,groups:n}=this.store.state,s=(e&&n[e.group]?.change_number)??0;!e||e.isLoading||s<=e.changeNumber||this.#i||(this.#i=!0,await this.#m(e.group,async()=>{let o=await this.api.get(`${wn(e.group)}/changes?after=${e.changeNumber}&limit=100`);this.store.update(r=>xe(r,o))}),this.#i=!1)}#g(){let e=this.store.state.thread;return e&&!e.isLoading&&!e.isBusy?e:null}async#f(e,n,s){this.store.updateThread(e,o=>({...o,isBusy:!0})),await this.#m(e,async()=>{let o=await this.api.get(`${wn(e)}?limit=${st}&${n}`),{me:r}=this.store.state;this.store.updateThread(e,i=>s(i,De(i,o,r.uuid))),this.#o.reset()})}#c(e,n){this.store.updateThread(e,s=>({...s,scrollTarget:n}))}async#m(e,n){try{await n()}catch(s){if(!(s instanceof N))throw s;await this.#o.wait(s.retryAfter*1e3),this.store.updateThread(e,o=>({...o,isBusy:!1}))}}#$(e,n){if(!(n instanceof N))throw n;let s=n instanceof A&&n.code==="group-not-found";s&&this.store.update(i=>Ae(i,[e]));let o={isLoading:!1,failure:n.message,isGone:s},r=n.isRetryable?this.#l(e):void 0;this.store.updateThread(e,i=>i.isLoading?r??{...i,...o}:i),n.isRetryable&&this.#b(e,n)}async#b(e,n){await this.#o.wait(n.retryAfter*1e3);let{thread:s}=this.store.state;s?.group===e&&s.failure&&!s.isLoading&&await this.#r(e,s.failure)}};function nl(t,e){return{group:t,messages:[],isLoading:!0,failure:null,isBusy:!1,atStart:!1,isFollowing:!1,unreadFrom:null,scrollTarget:{at:"end"},changeNumber:e?.change_number??0,changes:[]}}function wn(t){return`/api/messages/${encodeURIComponent(t)}`}var sl=2e3,Ko=100,xt=class{#e;#t=null;#n;constructor(e,n){this.api=e,this.store=n,this.#e=`cruddur-deliveries-${n.state.me.uuid}`}start(){this.store.listeners.add(this.#s)}stop(){this.store.listeners.delete(this.#s),clearTimeout(this.#n),this.#n=void 0}clear(){localStorage.removeItem(this.#e)}#s=()=>{let{groups:e,settings:n}=this.store.state;this.#n!==void 0||!n?.receipts||e===this.#t||(this.#n=setTimeout(()=>{this.#o()},sl*(.75+Math.random()/2)))};async#o(){let{groups:e}=this.store.state;this.#t=e;for(let{uuid:n}of z(e).slice(0,Ko)){if(this.#n===void 0)return;if(!await this.#i(n))break}this.#n=void 0,this.#s()}async#i(e){let{groups:n,settings:s}=this.store.state,{unread_count:o=0,last_number:r=0}=n[e]??{};if(!s?.receipts||o===0||(this.#r()[e]??0)>=r)return!0;this.#a(e,r);try{let i=await this.api.call("PUT",`/api/message_groups/${e}/delivered`,{number:r});this.store.update(l=>Se(l,e,i))}catch(i){if(!(i instanceof N))throw i;return i.isRetryable?(this.#a(e,0),!1):!0}return!0}#r(){try{return JSON.parse(localStorage.getItem(this.#e)??"{}")}catch{return{}}}#a(e,n){let{[e]:s,...o}=this.#r(),r=[...Object.entries(o),[e,n]].slice(-Ko);localStorage.setItem(this.#e,JSON.stringify(Object.fromEntries(r)))}};var St=class{constructor(e,n){this.prefix=`cruddur-draft:${e}:`,this.store=n}get(e){return localStorage.getItem(this.prefix+e)??""}set(e,n){try{n.trim()===""?localStorage.removeItem(this.prefix+e):localStorage.setItem(this.prefix+e,n)}catch{}}refresh(){let e=Object.keys(localStorage).filter(s=>s.startsWith(this.prefix)),n=Object.fromEntries(e.map(s=>[s.slice(this.prefix.length),localStorage.getItem(s)??""]));this.store.set({drafts:n})}clear(){for(let e of Object.keys(localStorage))e.startsWith(this.prefix)&&localStorage.removeItem(e)}};var Vo=["👍","❤️","😂","😮","😢","🙏"],Mt=class{constructor(e){this.key=`cruddur-emoji:${e}`,this.toneKey=`cruddur-skin-tone:${e}`}all(){let e=(localStorage.getItem(this.key)??"").split(" ").filter(Boolean);return[...new Set([...e,...Vo])].slice(0,Vo.length)}add(e){try{localStorage.setItem(this.key,[...new Set([e,...this.all()])].join(" "))}catch{}}get tone(){return Number(localStorage.getItem(this.toneKey)??0)}set tone(e){try{localStorage.setItem(this.toneKey,`${e}`)}catch{}}clear(){localStorage.removeItem(this.key),localStorage.removeItem(this.toneKey)}},vn=null;function Xo(){return vn??=pe("/static/vendor/emoji.json",{cache:"default"}).then(ol,t=>{throw vn=null,t}),vn}function ol(t){let e=([n,s,o,r=[]])=>({emoji:n,name:s,words:ae(` ${s} ${o}`),tones:r});return t.map(n=>({name:n.name,emoji:n.emoji.map(e)}))}function Tt({emoji:t,tones:e},n){return e[n-1]??t}function Jo(t,e){let n=ae(e).trim();if(n==="")return t;let s=n.split(" ").map(u=>` ${u}`),o=({emoji:u,words:d,tones:c})=>[u,...c].includes(e.trim())||s.every(m=>d.includes(m)),r=t.flatMap(u=>u.emoji.filter(o)),i=r.filter(({words:u})=>u.startsWith(` ${n}`)),l=[...i,...r.filter(u=>!i.includes(u))];return l.length>0?[{name:"Found",emoji:l}]:[]}var rl=4e4,kn=class{#e="";push(e){let n=(this.#e+e).replaceAll(`\r
`,`
`).split(`

`);return this.#e=n.pop()??"",n.map(il).filter(s=>s.data!==""||s.retry!==null)}};function il(t){let e={id:null,data:"",retry:null};for(let n of t.split(`
`)){let[,s,o]=n.match(/^([^:]*):? ?(.*)$/s)??[];s==="data"&&(e.data+=(e.data&&`
`)+o),s==="id"&&(e.id=o??""),s==="retry"&&(e.retry=Number(o)||null)}return e}var Et=class{#e="";#t=new H;#n=new AbortController;#s=new AbortController;#o=!1;constructor(e,n,s){this.api=e,this.onEvent=n,this.onConnection=s}async run(){let e=this.#n.signal;for(;!e.aborted;)await this.#i(e).catch(()=>{}),!(e.aborted||this.#o)&&(this.onConnection(navigator.onLine?"reconnecting":"offline"),await this.#t.wait())}stop(){this.#n.abort(),this.#t.retryNow()}reconnect(){this.#o=!0,this.#s.abort(),this.#t.retryNow()}retryNow(){this.#t.retryNow()}async#i(e){let n=new xn(rl);this.#s=new AbortController,this.#o=!1;try{let s={accept:"text/event-stream",...this.#e?{"last-event-id":this.#e}:{}},o=AbortSignal.any([e,n.signal,this.#s.signal]),r=await this.api.authorizedFetch("/api/events",{headers:s},()=>o);if(!r.ok||!r.body)throw await this.api.problemFrom(r);this.#t.reset(),this.onConnection("live"),await this.#r(r.body,n)}finally{n.clear()}}async#r(e,n){let s=e.getReader(),o=new TextDecoder,r=new kn;for(;;){let{done:i,value:l}=await s.read();if(i)return;n.restart();for(let u of r.push(o.decode(l,{stream:!0})))this.#a(u)}}#a(e){e.retry!==null&&(this.#t.firstDelay=e.retry),e.data&&this.onEvent(JSON.parse(e.data)),e.id!==null&&(this.#e=e.id)}},xn=class{#e=new AbortController;#t;constructor(e){this.duration=e,this.signal=this.#e.signal,this.restart()}restart(){clearTimeout(this.#t);let e=new X(`The event stream sent nothing for ${this.duration/1e3} s`);this.#t=setTimeout(()=>this.#e.abort(e),this.duration)}clear(){clearTimeout(this.#t)}};var Ct=class{#e=new Set;#t=new Map;#n=new H;constructor(e,n){this.api=e,this.store=n}async load(e){this.#e.has(e)||await this.refresh(e)}async refresh(e){let n=Symbol(e);this.#t.set(e,n),this.#e.add(e);let s=()=>this.#t.get(e)===n&&this.store.state.thread?.group===e,o=()=>this.api.get(`/api/message_groups/${e}/members`);try{let r=await this.#n.repeat(o,i=>{if(!s())throw i});this.#t.get(e)===n&&this.store.update(i=>fs(i,e,r))}catch(r){if(!(r instanceof N))throw r;this.#t.get(e)===n&&this.#e.delete(e)}}retryNow(){this.#n.retryNow()}onEvent(e){e.type==="message"&&e.message.kind==="system"&&this.#s(e.group.uuid)}onSync(){this.#e.clear();for(let e of Object.keys(this.store.state.members))this.#s(e)}#s(e){this.#e.delete(e),this.store.state.thread?.group===e&&this.refresh(e)}};var Qo="/api/message_groups?limit=50",al={inbox:["/api/users/me/pins",Qo],archive:[`${Qo}&folder=archive`]},Ot=class{#e=new H;#t=!1;constructor(e,n){this.api=e,this.store=n}async loadMore(){let{folder:e,nextPages:n}=this.store.state;if(e==="requests")return;let s=n[e];s!==null&&await this.#n(e,s===void 0?al[e]:[s])}show(e){this.store.set({folder:e,inboxFailure:null}),this.store.state.nextPages[e]===void 0&&this.loadMore()}retryNow(){this.#e.retryNow(),this.store.state.inboxFailure!==null&&this.loadMore()}stop(){this.#e.stop()}async#n(e,n){if(this.#t)return;this.#t=!0;try{let o=()=>Promise.all(n.map(l=>this.api.getPage(l))),r=await this.#e.repeat(o,({message:l})=>this.store.set({inboxFailure:l})),i=r.flatMap(({items:l})=>l);this.store.update(l=>({...ot(l,e,i,r.at(-1)?.next??null),hasInbox:l.hasInbox||e==="inbox",inboxFailure:null}))}catch(o){if(!(o instanceof N))throw o;this.store.set({inboxFailure:o.message})}finally{this.#t=!1}let s=this.store.state.folder;e!==s&&!this.#e.isStopped&&this.show(s)}};var Zo="cruddur-visible",ll=140,Dt=class{#e;#t=new Map;#n=new AbortController;#s=null;constructor(e){this.store=e,this.#e=`cruddur-notifications-${e.state.me.uuid}`}start(){this.#r(),document.addEventListener("visibilitychange",()=>this.#l(),{signal:this.#n.signal}),this.#l()}stop(){this.#n.abort(),this.#s?.();for(let e of this.#t.values())e.close();Sn(0)}clear(){localStorage.removeItem(this.#e)}async enable(){await Notification.requestPermission()==="granted"&&localStorage.setItem(this.#e,"on"),this.#r()}disable(){localStorage.setItem(this.#e,"off"),this.#r()}onSent(){this.store.state.notifications==="undecided"&&this.store.set({offersNotifications:!0})}onEvent(e){e.type==="message"&&this.#o(e.message,e.group),e.type==="group"&&e.group.unread_count===0&&this.#t.get(e.group.uuid)?.close()}async#o(e,n){if(this.store.state.notifications!=="on"||!document.hidden||!cl(e,n,this.store.state.me.uuid,Date.now())||await dl())return;let s=ul(e,n),o=V("/static/icon-192.png"),r=new Notification(n.display_name,{body:s,icon:o,tag:`cruddur-${n.uuid}`});r.addEventListener("click",()=>{window.focus(),F(W(n.uuid)),r.close()}),r.addEventListener("close",()=>this.#i(n.uuid,r)),this.#t.set(n.uuid,r)}#i(e,n){this.#t.get(e)===n&&this.#t.delete(e)}#r(){let e=this.#a();this.store.set({notifications:e,offersNotifications:!1})}#a(){if(!("Notification"in window))return"unsupported";if(Notification.permission==="denied")return"denied";let e=localStorage.getItem(this.#e);return e==="on"?Notification.permission==="granted"?"on":"off":e===null?"undecided":"off"}#l(){if(this.#s?.(),this.#s=null,document.hidden||!navigator.locks)return;let e=new Promise(n=>{this.#s=()=>n(void 0)});navigator.locks.request(Zo,{mode:"shared"},()=>e)}};function ul(t,e){let n=t.expires_at?"A message that expires":[...t.message].slice(0,ll).join("");return L(e)?`${t.display_name}: ${n}`:n}function cl(t,e,n,s){return t.number>e.read_number&&!t.is_hidden&&t.kind==="text"&&t.user_uuid!==n&&e.folder==="inbox"&&!re(e,s)}async function dl(){let{held:t=[]}=navigator.locks?await navigator.locks.query():{};return t.some(e=>e.name===Zo)}function Sn(t){(t>0?navigator.setAppBadge?.(t):navigator.clearAppBadge?.())?.catch(()=>{})}var At=class{#e=!1;#t=!1;#n=new H;#s=new Map;constructor(e,n,s){this.api=e,this.store=n,this.storage=s,this.refresh(),this.onSent=async()=>{}}add(e,n,s,o=[],r=null){let i=s&&gl(s),l=new Date().toISOString(),u={text:n,mentions:o,expires_in:r,reply_to:s?.number??null,reply:i},d={...e,...u,uuid:me(),after:null,created_at:l,refusal:null};this.#o(d)}change(e,n,s){let{message_group_uuid:o,number:r}=e,l={text:null,version:null,emoji:null,mentions:null,created_at:new Date().toISOString(),refusal:null,...s},u={uuid:me(),group:o,number:r,type:n,...l};for(let d of this.storage.all())ue(d)&&d.refusal!==null&&ml(d,u)&&this.storage.remove(d.uuid);this.#o(u)}#o(e){this.#c(e),this.#n.retryNow(),this.drain()}retry(e){let n=this.storage.all().find(s=>s.uuid===e);n&&this.#c({...n,refusal:null}),this.drain()}discard(e){this.storage.remove(e),this.refresh()}refresh(){let e=this.storage.all();this.store.set({pending:e.filter(pl),pendingChanges:e.filter(ue)})}retryNow(){this.#n.reset(),this.#n.retryNow(),this.drain()}stop(){this.#n.stop()}async drain(){if(this.#t=!0,!this.#e){this.#e=!0;try{let e=()=>this.#i();for(;this.#t&&!this.#n.isStopped;)this.#t=!1,await(navigator.locks?navigator.locks.request(this.storage.prefix,e):e())}finally{this.#e=!1}}}async#i(){for(;;){let e=this.storage.all().filter(s=>s.refusal===null);if(e.length===0||this.#n.isStopped)return;let n=e.find(s=>this.#r(s)<=0);n?await this.#a(n):await this.#n.wait(Math.min(...e.map(s=>this.#r(s))))}}#r(e){return(this.#s.get(er(e))??0)-Date.now()}async#a(e){let n=ue(e)?e:this.#d(e);try{await(ue(n)?this.#u(n):this.#p(n)),this.#n.reset()}catch(s){if(!(s instanceof N))throw s;if(s instanceof A&&s.status===429)this.#s.set(er(n),Date.now()+Math.max(1,s.retryAfter)*1e3);else if(s.isRetryable)await this.#n.wait(s.retryAfter*1e3);else if(this.#l(n))ue(n)?await this.#h(n,s):this.#c(this.#g(n,s));else return}}#l(e){return this.storage.all().some(n=>n.uuid===e.uuid)}#d(e){if(e.after!==null)return e;let n={...e,after:this.#f(e)};return this.#c(n),n}async#p(e){let n=await this.api.call("POST","/api/messages",hl(e));await this.onSent(e,n),this.storage.remove(e.uuid),this.store.update(s=>Ne(s,[n]))}async#u(e){let n=await this.api.call(...fl(e));this.storage.remove(e.uuid),this.store.update(s=>on(s,n)),this.refresh()}async#h(e,n){if(n instanceof A&&n.status===404)return this.discard(e.uuid);let s=n instanceof A&&n.code==="version-differs";if(s){let o=await this.api.get(tr(e)).catch(()=>null);o&&this.store.update(r=>on(r,o))}this.#c({...e,refusal:s?"The message was edited elsewhere meanwhile":n.message})}#g(e,n){if(!(n instanceof A)||n.code!=="after-too-old")return{...e,refusal:n.message};let s=this.#f(e)<=(e.after??0);return{...e,after:null,refusal:s?n.message:null}}#f(e){return Object.values(this.store.state.groups).find(o=>e.group?o.uuid===e.group:o.handle===e.handle)?.last_number??0}#c(e){this.#n.isStopped||(this.storage.put(e),this.refresh())}};function ue(t){return"type"in t}function pl(t){return!ue(t)}function ml(t,e){return t.group===e.group&&t.number===e.number&&t.type===e.type&&t.emoji===e.emoji}function tr(t){return`/api/messages/${t.group}/${t.number}`}function fl(t){let e=tr(t);return t.type==="edit"?["PATCH",e,{message:t.text,uuid:t.uuid,...nr(t)},{"if-match":`"${t.version}"`}]:t.type==="delete"?["DELETE",e]:t.type==="hide"?["DELETE",`${e}?for=me`]:[t.type==="react"?"PUT":"DELETE",`${e}/reactions/${encodeURIComponent(t.emoji??"")}`]}function hl(t){let e=t.group?{message_group_uuid:t.group}:{handle:t.handle??""},n=t.reply_to===null?{}:{reply_to:t.reply_to};return{message:t.text,uuid:t.uuid,after:t.after??0,...e,...n,...nr(t),...t.expires_in?{expires_in:t.expires_in}:{}}}function nr(t){let{mentions:e}=t;return e&&(ue(t)||e.length>0)?{mentions:e}:{}}function gl({number:t,display_name:e,message:n,deleted_at:s,expires_at:o,is_hidden:r}){return{number:t,display_name:e,message:o?"":n,deleted_at:s,expires_at:o,is_hidden:r}}function er(t){return ue(t)?t.group:t.group??`@${t.handle}`}var Nt=class{constructor(e){this.prefix=`cruddur-outbox:${e}:`}all(){return Object.keys(localStorage).filter(n=>n.startsWith(this.prefix)).sort().flatMap(n=>$l(localStorage.getItem(n)))}put(e){localStorage.setItem(this.prefix+e.uuid,JSON.stringify(e))}remove(e){localStorage.removeItem(this.prefix+e)}clear(){for(let e of this.all())this.remove(e.uuid)}};function $l(t){try{return t===null?[]:[JSON.parse(t)]}catch{return[]}}var bl="/api/message_groups?folder=requests&limit=100",Rt=class{#e=new H;constructor(e,n){this.api=e,this.store=n}async load(){try{for(let e=bl;e;e=this.store.state.nextPages.requests??"")await this.#t(e)}catch(e){if(!(e instanceof N))throw e}}async#t(e){let{items:n,next:s}=await this.#e.repeat(()=>this.api.getPage(e));this.store.update(o=>ot(o,"requests",n,s))}async decide(e,n){let s=await this.api.call("PUT",`/api/message_groups/${e}/${n}`);this.store.update(o=>q(o,[s]))}stop(){this.#e.stop()}};var sr="/api/users/me/settings",Lt=class{#e=new H;constructor(e,n){this.api=e,this.store=n}async load(){try{this.#t(await this.#e.repeat(()=>this.api.get(sr)))}catch(e){if(!(e instanceof N))throw e}}async change(e){this.#t(await this.api.call("PATCH",sr,e))}stop(){this.#e.stop()}#t(e){this.store.update(n=>({...n,settings:e,markers:e.receipts?n.markers:yl(n),typing:e.typing?n.typing:{}}))}};function yl({markers:t,me:e}){return Object.fromEntries(Object.entries(t).map(([n,s])=>[n,Object.fromEntries(Object.entries(s).filter(([o])=>o===e.uuid))]))}var It=class{#e="";#t=0;#n;constructor(e){this.api=e}onInput(e){this.#e!==e&&this.stop(),clearTimeout(this.#n),this.#n=setTimeout(()=>this.stop(),5e3),!(Date.now()-this.#t<1e4)&&(this.#e=e,this.#t=Date.now(),this.#s("POST"))}stop(){this.#t>0&&this.#s("DELETE"),this.onSent()}onSent(){clearTimeout(this.#n),this.#t=0}#s(e){this.api.request(e,`/api/message_groups/${this.#e}/typing`).catch(()=>{})}};var _l=2e3,wl=150,vl="cruddur-sign-outs",Pt=class{#e=new AbortController;#t=null;constructor(e,n,s){this.session=e,this.config=n,this.api=new de(e),this.store=new nt(Js(s)),this.outbox=new At(this.api,this.store,new Nt(s.uuid)),this.inbox=new Ot(this.api,this.store),this.requests=new Rt(this.api,this.store),this.conversation=new kt(this.api,this.store),this.typing=new It(this.api),this.drafts=new St(s.uuid,this.store),this.emoji=new Mt(s.uuid),this.deliveries=new xt(this.api,this.store),this.settings=new Lt(this.api,this.store),this.members=new Ct(this.api,this.store),this.groups=new rt(this.api,this.store,this.members),this.presence=new Ke(this.api,this.store),this.notifications=new Dt(this.store),this.onSignedOut=()=>{},this.stream=new Et(this.api,o=>this.#o(o),o=>this.#a(o))}start(){let{signal:e}=this.#e,n=()=>document.visibilityState==="visible"&&this.#p();window.addEventListener("online",()=>this.#d(),{signal:e}),window.addEventListener("offline",()=>this.#a("offline"),{signal:e}),window.addEventListener("storage",()=>this.#l(),{signal:e}),document.addEventListener("visibilitychange",n,{signal:e}),this.#t=new BroadcastChannel(vl),this.#t.onmessage=({data:o})=>o===this.store.state.me.uuid&&void this.#s();let s=setInterval(()=>this.#n(Date.now()),1e3);e.addEventListener("abort",()=>clearInterval(s)),this.drafts.refresh(),this.deliveries.start(),this.presence.start(),this.notifications.start(),this.settings.load().then(()=>this.presence.load()),this.inbox.loadMore(),this.requests.load(),this.stream.run(),this.outbox.drain()}stop(){this.#e.abort(),this.#t?.close(),this.stream.stop(),this.inbox.stop(),this.requests.stop(),this.outbox.stop(),this.deliveries.stop(),this.settings.stop(),this.presence.stop(),this.notifications.stop(),this.typing.onSent()}#n(e){this.store.update(n=>Ys(so(n,e),e,this.config.message_retention_days));for(let n of Object.values(this.store.state.groups))!n.unread_until||Date.parse(n.unread_until)>e||(this.store.update(s=>q(s,[{...n,unread_until:null}])),this.conversation.refreshGroup(n.uuid))}async changeProfile(e){if(Object.keys(e).length===0)return;let n=await this.api.call("PATCH","/api/users/me",e);this.store.set({me:n})}async changeSettings(e){await this.settings.change(e);let n=this.store.state.thread?.group;e.receipts&&n&&await this.conversation.fetchMarkers(n).catch(()=>{}),e.presence!==void 0&&await this.presence.load()}async changeView(e,n){let s=await this.api.call("PATCH",`/api/message_groups/${e}/view`,n);this.store.update(o=>q(o,[s]))}async leave(e){try{let n=await this.api.call("DELETE",`/api/message_groups/${e}`);this.store.update(s=>q(s,[n]))}catch(n){if(!(n instanceof A&&n.status===404))throw n;this.store.update(s=>Ae(s,[e]))}}async markRead({uuid:e,last_number:n}){let s=await this.api.call("PUT",`/api/message_groups/${e}/read`,{number:n});this.store.update(o=>q(o,[s]))}async signOut(){this.#t?.postMessage(this.store.state.me.uuid),await this.#s()}async#s(){this.stop(),this.outbox.storage.clear(),this.drafts.clear(),this.emoji.clear(),this.deliveries.clear(),this.notifications.clear(),this.onSignedOut(),await this.session.signOut()}#o(e){if(e.type==="resync")return void this.#i();this.store.update(n=>Qs(n,e,Date.now())),this.members.onEvent(e),e.type==="presence"&&this.presence.onEvent(e),this.notifications.onEvent(e)}async#i(){let e=z(this.store.state.groups).slice(0,wl),n=Object.fromEntries(e.map(s=>[s.uuid,this.#r(s)]));try{let s=await this.api.call("POST","/api/sync",{groups:n});this.store.update(o=>{let r=Ne(q(o,s.groups),s.messages);return Ae(xe(r,s.changes),s.gone)}),this.store.set({hasInbox:!0}),this.members.onSync()}catch{let s=_l*(.5+Math.random());this.#e.signal.aborted||setTimeout(()=>{this.#i()},s)}}#r(e){let{thread:n,kept:s}=this.store.state,o=n?.group===e.uuid?n:s.find(i=>i.group===e.uuid);return{number:(o===n?o?.messages.at(-1):void 0)?.number??e.last_number,version:e.version,change_number:o?.changeNumber??e.change_number}}#a(e){e!==this.store.state.connection&&this.store.set({connection:e}),e==="live"&&(this.members.retryNow(),this.inbox.retryNow(),this.outbox.retryNow(),this.conversation.retryNow(),this.presence.load())}#l(){this.outbox.refresh(),this.drafts.refresh()}#d(){this.#a("reconnecting"),this.stream.reconnect(),this.inbox.retryNow(),this.outbox.retryNow()}#p(){this.stream.retryNow(),this.inbox.retryNow(),this.outbox.retryNow()}};var kl=100,xl=[{seconds:0,label:"Stays"},{seconds:3600,label:"1 hour"},{seconds:86400,label:"1 day"},{seconds:604800,label:"1 week"}];function Ft({target:t,draftKey:e,name:n,members:s,reply:o,onReplyEnd:r,onLeave:i,onUp:l=()=>{}}){let u=w(),[d,c]=h(()=>u.drafts.get(e)),m=T(null),[p,f]=h(0),g=_e(d),b=u.config.message_max_length-g,$=g>0&&b>=0;G(()=>{(o||matchMedia("(hover: hover)").matches)&&m.current?.focus()},[o,e]),x(()=>(u.drafts.refresh(),()=>u.drafts.refresh()),[e,u]);let y=P=>{c(P),u.drafts.set(e,P),!(!t.group||u.store.state.settings?.typing===!1)&&(P.trim()?u.typing.onInput(t.group):u.typing.stop())},k=mt({id:"mention-list",area:m,members:s,onText:y}),M=()=>{$&&(u.outbox.add(t,Qe(d),o,Ye(d,s),p||null),u.typing.onSent(),u.conversation.showNewest(),c(""),u.drafts.set(e,""),r(),m.current?.focus())},_=P=>{P.preventDefault(),M()},U=P=>{if(!k.onKeyDown(P)){if(P.key==="Enter"&&!P.shiftKey&&!P.isComposing)M();else if(P.key==="ArrowUp"&&d==="")l();else if(P.key==="Escape")(o?r:i)();else return;P.preventDefault(),P.stopPropagation()}};return a`
    <form class="composer" onSubmit=${_}>
      ${o&&a`<div class="composer-reply">
          <${yt} message=${o} />
          <button type="button" class="round quiet" aria-label="Cancel reply" onClick=${r}>
            <${v} name="close" />
          </button>
        </div>`}
      ${k.list}
      <div class="composer-field">
        <div class="grow" data-text=${d}>
          <textarea
            ref=${m}
            rows="1"
            dir="auto"
            aria-label=${`Message to ${n}`}
            aria-describedby="count"
            aria-invalid=${b<0?"true":"false"}
            placeholder=${`Message ${n}`}
            value=${d}
            ...${k.attributes}
            onInput=${P=>{y(P.currentTarget.value),k.look()}}
            onKeyDown=${U}
          ></textarea>
        </div>
        <select
          class="lifetime"
          aria-label="Disappears after"
          title="Disappears after"
          hidden=${g===0&&p===0}
          value=${p}
          onChange=${P=>f(Number(P.currentTarget.value))}
        >
          ${xl.map(({seconds:P,label:Pe})=>a`<option key=${P} value=${P}>${Pe}</option>`)}
        </select>
        <span id="count" class="count ${b<0?"over":b<kl?"few":""}" hidden=${g===0}>
          ${b}<span class="hidden"> characters left</span>
        </span>
        <button class="send round primary" aria-label="Send" disabled=${!$}><${v} name="send" /></button>
      </div>
    </form>
  `}function qt({name:t,handle:e,presence:n=null}){let s=be();return a`
    <header class="conversation-head">
      <a class="back round quiet" href=${I} aria-label="Back to all conversations"><${v} name="back" /></a>
      <${he} name=${t} handle=${e}><${R} name=${t} handle=${e} isOnline=${n?.is_online} /><//>
      <div class="conversation-title">
        <h1 dir="auto">${t}</h1>
        <p class="handle">
          ${e?`@${e}`:"This account was deleted"}${n&&a`<span class="seen">${$o(n,s)}</span>`}
        </p>
      </div>
    </header>
  `}function or({handle:t,person:e}){let n=w(),s=C(),o=z(s.groups).find(l=>l.handle===t);if(x(()=>{o&&F(W(o.uuid),{replace:!0})},[o?.uuid]),e===null||t===s.me.handle)return a`<${Sl} handle=${t} isMe=${e!==null} />`;let r=Je(s.pending,null,t),i=e?.display_name??`@${t}`;return a`
    <${qt} name=${i} handle=${t} />
    <div class="feed-frame">
      <div class="feed">
        <div class="feed-content">
          ${r.length===0&&a`<div class="hello">
              <${R} name=${i} handle=${t} size="large" />
              <p>Say hello to <bdi>${i}</bdi>. You have not written to one another yet.</p>
            </div>`}
          ${r.map((l,u)=>a`<${bt}
                key=${l.uuid}
                pending=${l}
                isFirst=${u===0}
                isLast=${u===r.length-1}
                isOnline=${B(s)}
                onRetry=${()=>n.outbox.retry(l.uuid)}
                onDiscard=${()=>n.outbox.discard(l.uuid)}
              />`)}
        </div>
      </div>
    </div>
    <p class="typing-line"></p>
    <${Ft}
      target=${{group:null,handle:t}}
      draftKey=${t}
      name=${i}
      members=${e?[e,s.me]:[]}
      reply=${null}
      onReplyEnd=${()=>{}}
      onLeave=${()=>F(I)}
    />
  `}function Sl({handle:t,isMe:e}){return a`
    <div class="empty-state">
      <h1>${e?"This is your own handle":`There is no user @${t}`}</h1>
      <p>${e?"You cannot write to yourself.":"Check how the handle is spelt."}</p>
      <p><a class="quiet button" href=${I}>All conversations</a></p>
    </div>
  `}function rr({uuid:t,group:e}){let{outbox:n}=w(),{drafts:s,pending:o}=C(),r=o.filter(i=>i.group===t);return a`
    <div class="empty-state" role="status">
      <h1>${e?a`You are no longer in <bdi>${e.display_name}</bdi>`:"You are not in this conversation"}</h1>
      <p>
        ${e?"You have left it or were removed, and can read it no more.":"It does not exist, or you are not a member of it any more."}
        ${s[t]&&" What you had begun to write is kept, in case you are added again."}
      </p>
      ${r.map(i=>a`<div key=${i.uuid} class="unsent">
            <blockquote dir="auto">${i.text}</blockquote>
            <p>Not sent. <button class="link" onClick=${()=>n.discard(i.uuid)}>Delete</button></p>
          </div>`)}
      <p><a class="quiet button" href=${I}>All conversations</a></p>
    </div>
  `}var Ml=20;function ir({group:t,members:e,onClose:n}){let s=w(),[o,r]=h([]),{failure:i,isRunning:l,run:u}=ee(),d=o.map(m=>m.handle);return a`
    <${O} label="Add people" kind="group-dialog" onClose=${n}>
      <form onSubmit=${async m=>{let{currentTarget:p}=m;m.preventDefault(),await u(()=>s.groups.add(t.uuid,d))&&D(p)}}>
        <h2>Add people to <bdi>${t.display_name}</bdi></h2>
        <${ut} chosen=${o} onChange=${r} most=${Ml} excluded=${e.map(m=>m.handle)} />
        <p class="hint">${t.shows_history?"They see all earlier messages.":"They see messages from now on."}</p>
        ${i&&a`<p class="failure" role="alert">${i}.</p>`}
        <p class="dialog-buttons">
          <button type="button" class="quiet" onClick=${m=>D(m.currentTarget)}>Cancel</button>
          <button class="primary" disabled=${l||o.length===0}>Add</button>
        </p>
      </form>
    <//>
  `}function ar({group:t,isManager:e}){let[n,s]=h(!1);return n?a`<${Tl} group=${t} onClose=${()=>s(!1)} />`:a`
    <p class="group-title">
      <strong dir="auto">${t.display_name}</strong>
      ${e&&a`<button class="round quiet" aria-label="Rename the group" title="Rename" onClick=${()=>s(!0)}><${v} name="pencil" /></button>`}
    </p>
  `}function Tl({group:t,onClose:e}){let n=w(),{failure:s,isRunning:o,run:r}=ee();return a`
    <form class="title-form" onSubmit=${async u=>{u.preventDefault();let d=String(new FormData(u.currentTarget).get("title")).trim();await r(()=>n.groups.change(t.uuid,{title:d}))&&e()}} onKeyDown=${u=>{u.key==="Escape"&&(u.preventDefault(),u.stopPropagation(),e())}}>
      <label>
        Title
        <input name="title" required maxlength=${cn} pattern=".*\\S.*" autocomplete="off" dir="auto" autofocus ref=${El} value=${t.display_name} />
      </label>
      ${s&&a`<p class="failure" role="alert">${s}.</p>`}
      <p class="dialog-buttons">
        <button type="button" class="quiet" onClick=${e}>Cancel</button>
        <button class="primary" disabled=${o}>Save</button>
      </p>
    </form>
  `}function El(t){t&&document.activeElement!==t&&t.focus()}var lr={owner:"Owner",admin:"Admin",member:""};function ur({group:t,members:e,me:n,onQuestion:s}){let[o,r]=h(null);return a`
    <ul class="members" aria-label="Members">
      ${e.map(i=>a`<li key=${i.user_uuid}>
            <${he} name=${i.display_name} handle=${i.handle}><${R} name=${i.display_name} handle=${i.handle} size="small" /><//>
            <span class="member-names">
              <span class="name" dir="auto">${i.display_name}</span>
              <span class="handle">${i.user_uuid===n?"You":i.handle?`@${i.handle}`:"Deleted account"}</span>
            </span>
            ${lr[i.role]&&a`<span class="role">${lr[i.role]}</span>`}
            ${i.user_uuid!==n&&a`<button class="round quiet" aria-label=${`Actions for ${i.display_name}`} aria-haspopup="menu" onClick=${l=>r({member:i,at:te(l.currentTarget)})}><${v} name="more" /></button>`}
          </li>`)}
    </ul>
    ${o&&a`<${Cl} key=${o} ...${{group:t,...o,onQuestion:s}} onClose=${()=>r(i=>i===o?null:i)} />`}
  `}function Cl({group:t,member:e,at:n,onQuestion:s,onClose:o}){let r=w(),{failure:i,isRunning:l,run:u}=ee(),d=async(c,{act:m,ask:p,next:f})=>{m&&!await u(m)||(D(c),p&&s(p),f?.())};return a`
    <${O} label=${`Actions for ${e.display_name}`} kind="actions" at=${n} onClose=${o}>
      <div role="menu" aria-label="Member" onKeyDown=${Dl}>
        ${Ol(r,t,e).map(c=>a`<button
              key=${c.label}
              role="menuitem"
              class=${c.isDanger?"danger":""}
              disabled=${l}
              onClick=${m=>d(m.currentTarget,c)}
            >
              <${v} name=${c.icon} />${c.label}
            </button>`)}
      </div>
      ${i&&a`<p class="failure" role="alert">${i}.</p>`}
    <//>
  `}function Ol({groups:t},e,n){let{user_uuid:s,display_name:o,handle:r,role:i}=n,l=e.role==="owner",u=l||e.role==="admin"&&i==="member",d={title:`Make ${o} the owner?`,warning:"You become an admin. Only the owner can change the roles of members, and only the new owner can make you the owner again.",label:"Make owner",onConfirm:()=>t.setRole(e.uuid,s,"owner")},c={title:`Remove ${o}?`,warning:"They can no longer read or write here. The other members see that you have removed them.",label:"Remove",isDanger:!0,onConfirm:()=>t.remove(e.uuid,s)},m=i==="admin"?"member":"admin";return[[r!==null,{label:"Message",icon:"send",next:()=>F(ve(r??""))}],[l&&i!=="owner",{label:m==="admin"?"Make admin":"Make member",icon:"shield",act:()=>t.setRole(e.uuid,s,m)}],[l&&i!=="owner",{label:"Make owner…",icon:"crown",ask:d}],[u,{label:"Remove…",icon:"trash",isDanger:!0,ask:c}]].filter(([f])=>f).map(([,f])=>f)}function Dl(t){let e=[...t.currentTarget.querySelectorAll("button")],n=e.findIndex(r=>r.contains(document.activeElement)),o={ArrowDown:n+1,ArrowUp:n-1,Home:0,End:-1}[t.key];o!==void 0&&(e[(o+e.length)%e.length]?.focus(),t.preventDefault())}var Mn=matchMedia("(min-width: 70rem)");function dr({group:t,onClose:e}){let[n,s]=h(Mn.matches);return K(Mn,"change",()=>s(Mn.matches)),n?a`<${Al} onClose=${e}><${cr} group=${t} onClose=${e} /><//>`:a`<${O} label="Group info" kind="group-info" onClose=${e}><${cr} group=${t} onClose=${e} /><//>`}function Al({onClose:t,children:e}){let n=T(null);return G(()=>(n.current?.querySelector("button")?.focus(),()=>document.getElementById("group-info-button")?.focus()),[]),a`<aside class="group-info" aria-label="Group info" ref=${n} onKeyDown=${o=>{o.key!=="Escape"||o.defaultPrevented||document.querySelector("dialog[open]")||(o.preventDefault(),t())}}>${e}</aside>`}function cr({group:t,onClose:e}){let n=w(),{members:s,me:o}=C(),[r,i]=h(null),[l,u]=h(!1),d=t.role==="owner"||t.role==="admin",c=s[t.uuid];return x(()=>{n.members.load(t.uuid)},[t.uuid,n]),a`
    <header class="group-info-head">
      <h2>Group info</h2>
      <button class="round quiet" aria-label="Close group info" onClick=${e}><${v} name="close" /></button>
    </header>
    <div class="group-info-content">
      <${le} group=${t} size="large" />
      <${ar} group=${t} isManager=${d} />
      <div class="members-head">
        <h3>${Le(t.member_count)}</h3>
        ${d&&a`<button class="quiet" onClick=${()=>u(!0)}><${v} name="plus" />Add people</button>`}
      </div>
      ${c?a`<${ur} ...${{group:t,members:c,me:o.uuid,onQuestion:i}} />`:a`<p class="hint" role="status">Loading members…</p>`}
      <${Nl} group=${t} isManager=${d} onQuestion=${i} />
      <button class="quiet danger leave" onClick=${()=>i(Rl(n,t,c??[]))}>Leave group</button>
    </div>
    ${r&&a`<${ro} ...${r} onClose=${()=>i(null)} />`}
    ${l&&a`<${ir} group=${t} members=${c??[]} onClose=${()=>u(!1)} />`}
  `}function Nl({group:t,isManager:e,onQuestion:n}){let s=w(),o=t.shows_history===!0;return!e||o?a`<p class="hint">${o?"New members see all earlier messages.":"New members see messages from the time they join."}</p>`:a`<label class="check"><input type="checkbox" checked=${!1} onClick=${i=>{i.preventDefault(),n({title:"Show the history to new members?",warning:"People who are added from now on, and those who joined before, see everything that was ever written here. This cannot be undone.",label:"Show the history",onConfirm:()=>s.groups.change(t.uuid,{shows_history:!0})})}} /><span>New members see earlier messages</span></label>`}function Rl(t,e,n){let[s]=n.filter(r=>r.role!=="owner"),o=e.role==="owner"&&s;return{title:`Leave ${e.display_name}?`,warning:a`
      You can no longer read what was written here, and get no new messages. The other members see that you have left.
      ${o&&a` <bdi>${s.display_name}</bdi> becomes the owner.`} Only the owner or an admin can add you again.
    `,label:"Leave",isDanger:!0,onConfirm:async()=>{await t.groups.leave(e.uuid),F(I)}}}function pr(t,e){let n=w(),[s,o]=h(!1),r=t&&L(t)&&!ce(t)?t.uuid:null,i=B(e);x(()=>{r!==null&&i&&n.members.load(r)},[r,i,n]);let l=Q(()=>gs(e,t),[e.members[r??""],t?.peer_uuid,t?.display_name,t?.handle,e.me]);return t?L(t)?{head:a`<${yo} group=${t} isOpen=${s} onInfo=${()=>o(!s)} />`,info:s&&a`<${dr} group=${t} onClose=${()=>o(!1)} />`,members:l}:{head:a`<${qt} name=${t.display_name} handle=${t.handle} presence=${Qt(e,t)} />`,info:null,members:l}:{head:a`<header class="conversation-head"></header>`,info:null,members:l}}var Tn={reply:{label:"Reply",icon:"reply"},edit:{label:"Edit",icon:"pencil"},copy:{label:"Copy text",icon:"copy"},link:{label:"Copy link",icon:"link"},edits:{label:"Earlier texts",icon:"history"},reactions:{label:"Who reacted",icon:"smile"},receipts:{label:"Read by…",icon:"eye"},hide:{label:"Delete for me",icon:"trash"},delete:{label:"Delete for everyone",icon:"trash"},report:{label:"Report",icon:"flag"}};function Te(t,e,n,s,o=!1){if(t.is_hidden||t.kind==="system")return[];if(t.deleted_at||Y(t,s))return["link","hide"];let r=(s-Date.parse(t.created_at))/1e3,i=t.user_uuid===e;return[["reply",!o],["edit",i&&!t.expires_at&&r<n.edit_window_seconds],["copy",!0],["link",!0],["edits",t.version>1&&n.shows_edits],["reactions",t.reactions.length>0],["receipts",i],["hide",!0],["delete",i&&r<n.delete_window_seconds],["report",!i]].filter(([,u])=>u).map(([u])=>u)}var Ll=[["✋","No skin tone"],["✋🏻","Light"],["✋🏼","Medium-light"],["✋🏽","Medium"],["✋🏾","Medium-dark"],["✋🏿","Dark"]];function fr({at:t,onPick:e,onClose:n}){let{groups:s,failure:o,retry:r}=Fl(),i=w().emoji,[l,u]=h(i.tone),[d,c]=h(""),m=Q(()=>Jo(s,d),[s,d]),p=T(""),f=(y,k)=>{p.current=k,D(y.currentTarget)},g=()=>{n(),p.current&&e(p.current)},b=y=>{let[k]=m;y.key!=="Enter"||!d.trim()||!k?.emoji[0]||(y.preventDefault(),f(y,Tt(k.emoji[0],l)))},$=y=>{i.tone=y,u(y)};return a`
    <${O} label="React with an emoji" kind="picker" at=${t} onClose=${g}>
      <div class="picker-content" onKeyDown=${ql}>
        <div class="search-field">
          <${v} name="search" />
          <input
            type="search"
            aria-label="Find an emoji"
            placeholder="Find an emoji"
            autocomplete="off"
            value=${d}
            onInput=${y=>c(y.currentTarget.value)}
            onKeyDown=${b}
          />
        </div>
        <div class="picker-groups">
          ${m.map(y=>a`<${Pl} key=${y.name} ...${{group:y,tone:l}} onPick=${f} />`)}
          ${o&&a`<p class="failure" role="alert">${o}. <button class="link" onClick=${r}>Try again</button></p>`}
          ${s.length>0&&m.length===0&&a`<p role="status">No emoji is called that.</p>`}
        </div>
        <${Il} tone=${l} onTone=${$} />
      </div>
    <//>
  `}function Il({tone:t,onTone:e}){return a`
    <fieldset class="picker-tones">
      <legend class="hidden">Skin tone</legend>
      ${Ll.map(([n,s],o)=>a`<label class="emoji-button" title=${s}>
            <input type="radio" name="tone" class="hidden" aria-label=${s} checked=${o===t} onChange=${()=>e(o)} />
            <span aria-hidden="true">${n}</span>
          </label>`)}
    </fieldset>
  `}function Pl({group:t,tone:e,onPick:n}){return a`
    <section aria-label=${t.name}>
      <h3>${t.name}</h3>
      <div class="picker-emoji">
        ${t.emoji.map(s=>a`<button
              key=${s.emoji}
              class="emoji-button"
              tabindex="-1"
              aria-label=${s.name}
              title=${s.name}
              onClick=${o=>n(o,Tt(s,e))}
            >
              ${Tt(s,e)}
            </button>`)}
      </div>
    </section>
  `}function Fl(){let[t,e]=h([]),[n,s]=h(""),o=()=>{s(""),Xo().then(e,r=>s(E(r)))};return x(o,[]),{groups:t,failure:n,retry:o}}function ql(t){if(t.target instanceof HTMLInputElement&&t.target.type==="radio")return;let e=[...t.currentTarget.querySelectorAll("button.emoji-button")],n=e.findIndex(r=>r.matches(":focus")),s=Hl(t,e,n);if(s===void 0)return;t.preventDefault();let o=s<0?t.currentTarget.querySelector("input"):e[s];o instanceof HTMLElement&&o.focus()}function Hl({key:t},e,n){return n<0?t==="ArrowDown"&&e.length>0?0:void 0:t==="ArrowLeft"?n-1:t==="ArrowRight"?Math.min(n+1,e.length-1):t==="ArrowDown"?mr(e,n,1)??n:t==="ArrowUp"?mr(e,n,-1)??-1:void 0}function mr(t,e,n){let s=i=>t[i]?.getBoundingClientRect(),o=s(e),r=0;for(let i=e+n;o&&s(i);i+=n){let{top:l,left:u}=s(i);if(l!==o.top){if(r||=l,l!==r)return i-n;if(n*(u-o.left)>=0)return i}}return r?n>0?t.length-1:0:void 0}var Ul={delete:{title:"Delete this message for everyone?",warning:"Its text, earlier texts and reactions are removed for all members, and cannot be brought back."},hide:{title:"Delete this message for you?",warning:"It is no longer shown to you on any device, and cannot be brought back. Others still see it."}};function hr({message:t,kind:e,onClose:n,onDelete:s}){let{title:o,warning:r}=Ul[e],i=l=>{s(),D(l.currentTarget)};return a`
    <${O} label=${o} kind="about-message" onClose=${n}>
      <h2>${o}</h2>
      ${t.message&&a`<blockquote dir="auto">${t.message}</blockquote>`}
      <p>${r}</p>
      <p class="dialog-buttons">
        <button class="quiet" onClick=${l=>D(l.currentTarget)}>Cancel</button>
        <button class="primary danger" onClick=${i}>Delete</button>
      </p>
    <//>
  `}function gr({message:t,onClose:e}){let n=On(t,"edits");return a`
    <${O} label="Earlier texts" kind="about-message" onClose=${e}>
      <h2>Earlier texts</h2>
      <${Cn} loaded=${n}>
        <ol class="edits">
          ${n.items.map(s=>a`<li key=${s.version}>
                <time datetime=${s.created_at}>${J(s.created_at)}</time>
                <p class="text" dir="auto">${s.message}</p>
              </li>`)}
        </ol>
        ${n.items.length===0&&a`<p>There are none.</p>`}
      <//>
      <${En} />
    <//>
  `}function $r({message:t,onClose:e}){let n=On(t,"reactions");return a`
    <${O} label="Who reacted" kind="about-message" onClose=${e}>
      <h2>Who reacted</h2>
      <${Cn} loaded=${n}>
        <ul class="reacting">
          ${n.items.map(s=>a`<li key=${s.user_uuid+s.emoji}>
                <${R} name=${s.display_name} handle=${s.handle} size="small" />
                <span class="name" dir="auto">${s.display_name}</span>
                <span class="handle">${s.handle&&`@${s.handle}`}</span>
                <span class="emoji">${s.emoji}</span>
              </li>`)}
        </ul>
        ${n.items.length===0&&a`<p>No reaction is left.</p>`}
      <//>
      <${En} />
    <//>
  `}function br({message:t,onClose:e}){let{settings:n}=C(),s=On(t,"receipts"),o=n?.receipts===!1?"You do not share read receipts, so you get none.":"Nobody yet.";return a`
    <${O} label="Read by" kind="about-message" onClose=${e}>
      <h2>Read by</h2>
      <${Cn} loaded=${s}>
        <ul class="reacting">
          ${s.items.map(r=>a`<li key=${r.user_uuid}>
                <${R} name=${r.display_name} handle=${r.handle} size="small" />
                <span class="name" dir="auto">${r.display_name}</span>
                <span class="handle">${r.handle&&`@${r.handle}`}</span>
                <${ht} kind=${r.is_read?"read":"delivered"} />
              </li>`)}
        </ul>
        ${s.items.length===0&&a`<p>${o}</p>`}
      <//>
      <${En} />
    <//>
  `}function En(){return a`<p class="dialog-buttons">
    <button class="quiet" onClick=${t=>D(t.currentTarget)}>Close</button>
  </p>`}function Cn({loaded:t,children:e}){return t.failure?a`<p class="failure" role="alert">${t.failure}.</p>`:t.isLoading?a`<p role="status">Loading…</p>`:e}function On(t,e){let{api:n}=w(),[s,o]=h({items:[],isLoading:!0,failure:""});return x(()=>{let r=!1,i=l=>!r&&o(l);return n.get(`/api/messages/${t.message_group_uuid}/${t.number}/${e}`).then(l=>i({items:l,isLoading:!1,failure:""}),l=>i({items:[],isLoading:!1,failure:E(l)})),()=>{r=!0}},[t.uuid,t.change_number,n]),s}function yr({message:t,at:e,me:n,onClose:s,onReact:o,onPicker:r,onAction:i}){let{config:l,emoji:u}=w(),d=C().groups[t.message_group_uuid],c=T(()=>{}),m=new Set(t.reactions.filter(b=>b.me).map(b=>b.emoji)),p=Te(t,n,l,Date.now(),d&&Z(d)),f=(b,$)=>{c.current=$,D(b.currentTarget)};return a`
    <${O} label="Actions" kind="actions" at=${e} onClose=${()=>{s(),c.current()}}>
      <div role="menu" aria-label="Message" onKeyDown=${jl}>
        ${p.includes("reply")&&a`<div class="emoji-row" role="group" aria-label="React">
            ${u.all().map(b=>a`<button
                  key=${b}
                  role="menuitemcheckbox"
                  aria-checked=${m.has(b)?"true":"false"}
                  class="emoji-button"
                  onClick=${$=>f($,()=>o(b))}
                >
                  ${b}
                </button>`)}
            <button
              role="menuitem"
              class="emoji-button"
              aria-label="Other emoji"
              title="Other emoji"
              onClick=${b=>f(b,r)}
            >
              <${v} name="plus" />
            </button>
          </div>`}
        ${p.map(b=>a`<button
              key=${b}
              role="menuitem"
              class=${b==="delete"?"danger":""}
              onClick=${$=>f($,()=>i(b))}
            >
              <${v} name=${Tn[b].icon} />${Tn[b].label}
            </button>`)}
      </div>
    <//>
  `}function jl(t){let e=[...t.currentTarget.querySelectorAll("button")],n=e.findIndex(l=>l.contains(document.activeElement)),s=e.filter(l=>l.closest(".emoji-row")).length,o=n===s&&s>0,i={ArrowLeft:n-1,ArrowRight:n+1,ArrowUp:n<s?-1:o?0:n-1,ArrowDown:Math.max(n+1,s),Home:0,End:-1}[t.key];i!==void 0&&(e[(i+e.length)%e.length]?.focus(),t.preventDefault())}var Gl=2500;function wr({me:t,messages:e,onReply:n}){let s=w(),[o,r]=h(null),[i,l]=h(null),[u,d]=Wl(),c=($,y,k={x:0,y:0})=>r({kind:$,message:y,at:k}),m=({number:$,version:y,message:k},M=k)=>l({number:$,version:y,text:M}),p=$=>{l(null),zl($.number)},f={editing:i,onReply:n,onReact:($,y)=>{let k=$.reactions.some(M=>M.me&&M.emoji===y);k||s.emoji.add(y),s.outbox.change($,k?"unreact":"react",{emoji:y})},onMenu:($,y)=>c("menu",$,y),canEdit:$=>Te($,t.uuid,s.config,Date.now()).includes("edit"),onEdit:m,onSave:($,y,k)=>{let M=i?.version??$.version;y!==$.message&&s.outbox.change($,"edit",{text:y,version:M,mentions:k}),p($)},onCancel:p,onShowEdits:$=>c("edits",$),onDiscard:$=>s.outbox.discard($)},b=a`
    ${o&&a`<${Bl} key=${o} ...${{open:o,messages:e,actions:f,onAction:($,y)=>{y==="reply"?n($):y==="edit"?m($):y==="copy"?_r($.message,"Text copied",d):y==="link"?_r(Yl($),"Link copied",d):c(y,$)},me:t,show:c}} onClose=${()=>r($=>$===o?null:$)} />`}
    <p class="toast" role="status">${u&&a`<span>${u}</span>`}</p>
  `;return{actions:f,dialogs:b}}function Bl({open:t,messages:e,actions:n,me:s,onClose:o,onAction:r,show:i}){let{outbox:l}=w(),u=e.find(p=>p.uuid===t.message.uuid)??t.message,{kind:d,at:c}=t,m=p=>n.onReact(u,p);if(d==="picker")return a`<${fr} ...${{at:c,onClose:o}} onPick=${m} />`;if(d==="edits")return a`<${gr} ...${{message:u,onClose:o}} />`;if(d==="receipts")return a`<${br} ...${{message:u,onClose:o}} />`;if(d==="reactions")return a`<${$r} ...${{message:u,onClose:o}} />`;if(d==="delete"||d==="hide")return a`<${hr} ...${{message:u,kind:d,onClose:o}} onDelete=${()=>l.change(u,d)} />`;if(d==="report"){let p={message_group_uuid:u.message_group_uuid,number:u.number};return a`<${ft} ...${{target:p,onClose:o}} name=${u.display_name} text=${u.message} />`}return a`<${yr}
    ...${{message:u,onClose:o,onReact:m,at:c,me:s.uuid}}
    onPicker=${()=>i("picker",u,c)}
    onAction=${p=>r(u,p)}
  />`}function Wl(){let[t,e]=h({text:""});return x(()=>{if(!t.text)return;let n=setTimeout(()=>e({text:""}),Gl);return()=>clearTimeout(n)},[t]),[t.text,n=>e({text:n})]}async function _r(t,e,n){try{await navigator.clipboard.writeText(t),n(e)}catch{n("The browser did not allow copying")}}function Yl({message_group_uuid:t,number:e}){return location.origin+W(t,e)}function zl(t){let e=document.querySelector(`[data-number="${t}"]`);e instanceof HTMLElement&&e.focus()}var Kl=5*6e4;function kr(t,e,n,s){let o=[...t.map(r=>({message:r,user:r.kind==="system"?"":r.user_uuid,at:r.created_at,isFirstUnread:r.number===s})),...e.map(r=>({pending:r,user:n,at:r.created_at,isFirstUnread:!1}))];return o.flatMap((r,i)=>Vl(r,o[i-1],o[i+1],n))}function Vl(t,e,n,s){let o=[];(!e||Me(e.at)!==Me(t.at))&&o.push({kind:"day",key:`day ${Me(t.at)}`,at:t.at}),t.isFirstUnread&&o.push({kind:"unread",key:"unread"});let r={isFirst:t.isFirstUnread||!vr(e,t),isLast:n?.isFirstUnread||!vr(t,n)};return t.message?.kind==="system"?o.push({kind:"system",key:t.message.uuid,message:t.message}):t.message&&o.push({kind:"message",key:t.message.uuid,message:t.message,isOwn:t.user===s,...r}),t.pending&&o.push({kind:"pending",key:t.pending.uuid,pending:t.pending,...r}),o}function vr(t,e){return!t||!e||t.user!==e.user||Me(t.at)!==Me(e.at)?!1:Date.parse(e.at)-Date.parse(t.at)<Kl}function xr({message:t,me:e}){return a`
    <p class="system-message" data-number=${t.number} tabindex="-1" title=${J(t.created_at)}>
      ${ms(t,e).map(n=>typeof n=="string"?n:a`<bdi>${n.name}</bdi>`)}
    </p>
  `}var Xl=50;function Sr(t){let{thread:e,pending:n,me:s,afterWindow:o,now:r,messenger:i}=t,l=o===0?n.slice(0,Xl):[],u=Jl(t),d=i.config.message_retention_days,c=e.messages.filter(g=>!g.is_hidden&&!ke(g,r,d)),m=e.unreadFrom,p=({number:g,kind:b})=>m!==null&&g>=m&&b!=="system",f=c.find(p)?.number??null;return kr(c,l,s.uuid,f).map(g=>g.kind==="day"?a`<${Ao} key=${g.key} at=${g.at} now=${r} />`:g.kind==="unread"?a`<${No} key=${g.key} />`:g.kind==="system"?a`<${xr} key=${g.key} message=${g.message} me=${s.uuid} />`:g.kind==="pending"?Zl(g,t):Ql(g,u(g.message),t))}function Jl({thread:t,me:e,others:n}){let s=t.messages.filter(i=>i.user_uuid===e.uuid&&i.kind!=="system"),o=i=>s.findLast(l=>l.number<=i)?.number,r={read:o(n.read),delivered:o(n.delivered),sent:o(1/0)};return({number:i})=>i===r.read?"read":i===r.delivered?"delivered":i===r.sent?"sent":null}function Ql(t,e,{thread:n,group:s,members:o,me:r,messenger:i,actions:l,pendingChanges:u,isOnline:d}){let c=p=>{i.conversation.showMessage(p)},m=u.filter(p=>p.number===t.message.number);return a`<${Oo}
    key=${t.key}
    ...${t}
    ...${{members:o,me:r.uuid,isNamed:L(s)&&t.isFirst&&!t.isOwn}}
    ...${{receipt:e,onJump:c,actions:l,changes:m,isOnline:d,quoted:Zt(n.messages,t.message)}}
  />`}function Zl(t,{thread:e,messenger:n,isOnline:s}){let o=()=>n.outbox.retry(t.pending.uuid),r=()=>n.outbox.discard(t.pending.uuid);return a`<${bt}
    key=${t.key}
    ...${t}
    ...${{isOnline:s,onRetry:o,onDiscard:r,quoted:Zt(e.messages,t.pending)}}
  />`}var Mr=700,Tr=60,eu=200,tu=1600,nu=100,su=40,jt=class extends se{box=null;isFollowing=!1;anchor=null;saveTimer;state={isAwayFromEnd:!1};resized=new ResizeObserver(()=>this.restoreScroll(this.anchor));onVisibilityChange=()=>this.onViewportChange();gestures=new ct((e,n)=>this.openMenu(e,n));componentDidMount(){document.addEventListener("visibilitychange",this.onVisibilityChange),this.box&&this.resized.observe(this.box),this.scrollTo(this.props.thread.scrollTarget)}componentWillUnmount(){document.removeEventListener("visibilitychange",this.onVisibilityChange),this.resized.disconnect(),clearTimeout(this.saveTimer),this.gestures.cancel()}getSnapshotBeforeUpdate(){return this.findAnchor()}componentDidUpdate(e,n,s){let{thread:o,pending:r}=this.props,i=r.some(l=>!e.pending.some(u=>u.uuid===l.uuid));o.scrollTarget!==e.thread.scrollTarget?this.scrollTo(o.scrollTarget):i?this.scrollTo({at:"end"}):ou(e,this.props)?this.restoreScroll(s):this.onViewportChange()}restoreScroll(e){let n=this.box;n&&(this.isFollowing?n.scrollTop=n.scrollHeight:e&&this.align(e.number,e.offset),this.onViewportChange())}scrollTo(e){let n=this.box;if(n){if(this.isFollowing=e.at==="end",e.at==="end"&&(n.scrollTop=n.scrollHeight),e.at==="position"&&this.align(e.number,e.offset),e.at==="message"&&this.showMessage(e.number),e.at==="unread"){let s=n.querySelector(".unread-line");n.scrollTop=s?n.scrollTop+Ee(n,s)-n.clientHeight/4:0}this.props.afterWindow===0&&Ut(n)<Tr&&(this.isFollowing=!0),this.onViewportChange()}}showMessage(e){let n=this.element(e);!this.box||!n||(this.align(e,(this.box.clientHeight-n.clientHeight)/2),n.focus({preventScroll:!0}),n.classList.add("flash"),setTimeout(()=>n.classList.remove("flash"),tu))}align(e,n){let s=this.element(e);this.box&&s&&(this.box.scrollTop+=Ee(this.box,Ht(s))-n)}element(e){return this.box?.querySelector(`[data-number="${e}"]`)??null}elements(){return[...this.box?.querySelectorAll("[data-number]")??[]].filter(e=>e instanceof HTMLElement)}findAnchor(){let e=this.box,n=e?this.elements().filter(o=>Ee(e,o)+o.offsetHeight>0):[],s=n.find(o=>e&&Ee(e,Ht(o))>=0)??n[0];return e&&s?{number:Number(s.dataset.number),offset:Ee(e,Ht(s))}:null}onScroll=()=>{let e=this.box;if(!e)return;let n=Ut(e)<Tr;this.isFollowing=n&&(this.props.afterWindow===0||this.isFollowing),this.onViewportChange()};onViewportChange(){let e=this.box,{messenger:n,afterWindow:s,thread:o}=this.props;if(!e?.clientHeight||o.isLoading)return;s>nu&&(this.isFollowing=!1),e.scrollTop<Mr&&!this.isAtStart()?n.conversation.loadOlder():Ut(e)<Mr&&s>0&&n.conversation.loadNewer(),this.markSeen(e),this.anchor=this.findAnchor(),n.conversation.setView(this.isFollowing,this.anchor),n.conversation.loadChanges();let r=Ut(e)>e.clientHeight/2||s>0;r!==this.state.isAwayFromEnd&&this.setState({isAwayFromEnd:r}),clearTimeout(this.saveTimer),this.saveTimer=setTimeout(()=>Gs(this.isFollowing?null:this.anchor),eu)}markSeen(e){if(document.visibilityState!=="visible")return;let n=this.elements().findLast(s=>Ee(e,s)+Math.min(s.offsetHeight,su)<=e.clientHeight);n&&this.props.messenger.conversation.markSeen(Number(n.dataset.number))}onKeyDown=e=>{let n=this.elements(),s=n.findIndex(r=>r.contains(document.activeElement)),o=this.messageOf(n[s]);if(n[s]&&po(e))this.openMenu(n[s],te(Ht(n[s])));else if(e.key==="ArrowUp")n[s<0?n.length-1:Math.max(0,s-1)]?.focus();else if(e.key==="ArrowDown")n[Math.min(s+1,n.length-1)]?.focus();else if(e.key==="End")this.props.messenger.conversation.showNewest();else if(e.ctrlKey||e.metaKey||!o||!this.act(e.key,o))return;e.preventDefault()};act(e,n){let{actions:s,messenger:o,me:r,group:i}=this.props,l=Te(n,r.uuid,o.config,Date.now(),Z(i));if(e==="r"&&l.includes("reply"))s.onReply(n);else if(e==="e"&&l.includes("edit"))s.onEdit(n);else return!1;return!0}openMenu(e,n){let s=this.messageOf(e);s&&this.props.actions.onMenu(s,n)}messageOf(e){let n=this.props.thread.messages.find(s=>String(s.number)===e?.dataset.number);return n?.kind==="system"?void 0:n}isAtStart(){let{thread:e,now:n,messenger:s}=this.props,o=e.messages[0];return e.atStart||!!o&&ke(o,n,s.config.message_retention_days)}beginning(){let{thread:e,messenger:n}=this.props,s=n.config.message_retention_days;return s!==null?s===1?"Messages are kept for a day.":`Messages are kept for ${s} days.`:(e.messages[0]?.number??1)>1?"You see messages from here on.":"This is where it began."}render(){let{thread:e,group:n,messenger:s}=this.props,o=n.unread_count;return a`
      <div class="feed-frame ${Z(n)?"is-request":""}">
        <div
          class="feed"
          ref=${r=>this.box=r}
          role="log"
          aria-label=${`Messages with ${n.display_name}`}
          aria-busy=${e.isBusy?"true":"false"}
          tabindex="0"
          onScroll=${this.onScroll}
          onKeyDown=${this.onKeyDown}
          aria-describedby="feed-keys"
          ...${this.gestures.listeners}
        >
          <div class="feed-content ${L(n)?"of-several":""}">
            ${this.isAtStart()&&a`<p class="beginning">${this.beginning()}</p>`} <${Sr} ...${this.props} />
          </div>
        </div>
        <p id="feed-keys" hidden>Arrow keys move between messages, Enter opens the actions of a message.</p>
        ${this.state.isAwayFromEnd&&a`<button
            class="to-end"
            aria-label=${o?`To the newest message, ${o} unread`:"To the newest message"}
            onClick=${()=>s.conversation.showNewest()}
          >
            ${o>0&&a`<span class="badge">${Ie(o)}</span>`}<${v} name="down" />
          </button>`}
      </div>
    `}};function Ee(t,e){return e.getBoundingClientRect().top-t.getBoundingClientRect().top}function Ht(t){return t.querySelector(".bubble")??t}function ou(t,e){let n=e.thread.messages!==t.thread.messages||e.pending!==t.pending,s=e.pendingChanges.length!==t.pendingChanges.length;return n||s||e.actions.editing!==t.actions.editing}function Ut(t){return t.scrollHeight-t.scrollTop-t.clientHeight}function Er(){let{notifications:t}=w(),{offersNotifications:e}=C();return e?a`
    <p class="offer" role="note">
      <span>Be notified of answers while this page is in the background?</span>
      <button class="link" onClick=${()=>{t.enable()}}>Notify me</button>
      <button class="link" onClick=${()=>t.disable()}>No</button>
    </p>
  `:null}function Cr({group:t,onGone:e}){let{api:n,requests:s}=w(),[o,r]=h(""),[i,l]=h(!1),u=async p=>{l(!0);try{await p()}catch(f){r(E(f))}l(!1)},d=()=>u(()=>s.decide(t.uuid,"accept")),c=()=>u(()=>s.decide(t.uuid,"decline").then(e)),m=()=>u(async()=>{await n.call("PUT",`/api/users/@${t.handle}/block`),await s.decide(t.uuid,"decline"),e()});return a`
    <div class="composer request-note" role="group" aria-label="Message request">
      <p>
        <strong><bdi>${t.display_name}</bdi> would like to write to you.</strong>
        <span> Until you accept, they do not see whether you have read this.</span>
      </p>
      ${o&&a`<p class="failure" role="alert">${o}</p>`}
      <p class="dialog-buttons">
        ${t.handle&&a`<button class="quiet danger" disabled=${i} onClick=${m}>Block</button>`}
        <button class="quiet" disabled=${i} onClick=${c}>Decline</button>
        ${t.handle&&a`<button class="primary" disabled=${i} onClick=${d}>Accept</button>`}
      </p>
    </div>
  `}function Or({uuid:t,number:e}){let n=w(),s=C(),[o,r]=h(null),i=be(),l=()=>{n.conversation.open(t,js(),e)},u=()=>F(I),d=s.groups[t],c=ce(d);x(()=>(c||l(),()=>{n.typing.stop(),n.conversation.close()}),[t,n,c]);let m=T(e);x(()=>{e!==m.current&&e!==null&&n.conversation.showMessage(e),m.current=e},[e,n]),K(document,"keydown",_=>du(_)&&u());let p=au(s.thread?.group===t?s.thread:null,s),{actions:f,dialogs:g}=wr({me:s.me,messages:p?.messages??[],onReply:r}),{head:b,info:$,members:y}=pr(d,s);if(ru(d,p))return a`<${rr} uuid=${t} group=${d} />`;let k=p?.failure&&a`<${cu} text=${p.failure} onRetry=${l} />`;if(k&&!d)return k;let M=d&&p&&!p.isLoading;return a`
    ${b}
    ${k||(M?a`<${jt}
            ...${{thread:p,group:d,members:y,me:s.me,now:i,messenger:n,actions:f}}
            pending=${Je(s.pending,t,d.handle,p.messages)}
            afterWindow=${Ss(s)}
            others=${Ms(s,t)}
            pendingChanges=${s.pendingChanges.filter(_=>_.group===t)}
            isOnline=${B(s)}
          />`:a`<div class="feed-frame loading" role="status" aria-label="Loading messages"><i></i><i></i><i></i></div>`)}
    ${d&&a`
        <${Er} />
        <${lu} text=${$s(s,d)} />
        <${iu} ...${{group:d,members:y,reply:o,setReply:r,leave:u}} />
        ${g}${$}
      `}
  `}function ru(t,e){return ce(t)?!0:!e||e.isLoading?!1:e.isGone===!0||!t&&e.failure===null}function iu({group:t,members:e,reply:n,setReply:s,leave:o}){return Z(t)?a`<${Cr} group=${t} onGone=${o} />`:t.handle===null&&!L(t)?a`<p class="gone" role="note">You cannot write to a deleted user.</p>`:t.blocked_at?a`<${To} name=${t.display_name} handle=${t.handle} />`:a`<${Ft}
    target=${{group:t.uuid,handle:null}}
    draftKey=${t.handle??t.uuid}
    name=${t.display_name}
    members=${e}
    reply=${n}
    onReplyEnd=${()=>s(null)}
    onLeave=${o}
    onUp=${uu}
  />`}function au(t,{pendingChanges:e,me:n}){return Q(()=>t&&{...t,messages:Xs(t.messages,e,n.uuid)},[t,e,n.uuid])}function lu({text:t}){return a`<p class="typing-line" role="status">
    ${t&&a`<span class="dots" aria-hidden="true"><i></i><i></i><i></i></span><span>${t}</span>`}
  </p>`}function uu(){let t=[...document.querySelectorAll("[data-number]")].at(-1);t instanceof HTMLElement&&t.focus()}function cu({text:t,onRetry:e}){return a`
    <div class="empty-state" role="alert">
      <h1>This conversation cannot be shown</h1>
      <p>${t}.</p>
      <p>
        <button class="primary" onClick=${e}>Try again</button>
        <a class="quiet button" href=${I}>All conversations</a>
      </p>
    </div>
  `}function du(t){return t.key==="Escape"&&!t.defaultPrevented&&!document.querySelector("dialog[open], [popover]:popover-open")}function Dr(){return a`
    <div class="empty-state">
      <${oe} />
      <h2>Pick up where you left off</h2>
      <p>Choose a conversation, or press${" "}<kbd>/</kbd> and search for a person.</p>
    </div>
  `}function Ar({api:t,onMe:e}){let[n,s]=h("");return a`
    <main class="auth">
      <form class="auth-card" onSubmit=${async r=>{r.preventDefault();let i=new FormData(r.currentTarget),l={handle:String(i.get("handle")).trim().toLowerCase(),display_name:String(i.get("name")).trim()};try{e(await t.call("POST","/api/users",l))}catch(u){s(E(u))}}}>
        <${oe} />
        <h1>Welcome</h1>
        <p>Choose how other people find you.</p>
        <label>Name <input name="name" required maxlength="50" autocomplete="name" /></label>
        <label
          >Handle
          <input
            name="handle"
            required
            minlength="3"
            maxlength="30"
            pattern="[A-Za-z0-9_]{3,30}"
            autocomplete="username"
        /></label>
        ${n&&a`<p class="failure" role="alert">${n}.</p>`}
        <button class="primary wide">Begin</button>
      </form>
    </main>
  `}var pu=150,mu=3e3;function Nr({config:t,failure:e,onSession:n}){let s=t.sign_in;return a`
    <main class="auth">
      <div class="auth-card">
        <${oe} />
        ${s.kind==="local"&&a`<${fu} onSession=${n} />`}
        ${s.kind==="cognito"&&a`
            <h1>Messages</h1>
            <p>Write to the people you know.</p>
            <button class="primary wide" onClick=${()=>Uo(s,location.pathname)}>Sign in</button>
          `}
        ${s.kind==="none"&&a`
            <h1>Messages</h1>
            <p>
              Sign-in is not configured. The operator of this service sets <code>COGNITO_DOMAIN_URL</code>.
            </p>
          `}
        ${e&&a`<p class="failure" role="alert">${e}</p>`}
      </div>
    </main>
  `}function fu({onSession:t}){let[e,n]=h(""),{people:s,failure:o,retryNow:r}=gu(e),[i,l]=h(""),u=(d,c)=>yn(d,c).then(t).catch(m=>l(E(m)));return a`
    <h1>Choose a user</h1>
    <p>This is a local installation: sign in as any of these users. Open a second browser as another one, and talk.</p>
    <label class="find-user">
      <span class="hidden">Find a user</span>
      <input
        type="search"
        placeholder="Find a user by name or handle"
        maxlength="51"
        value=${e}
        onInput=${d=>n(d.currentTarget.value)}
      />
    </label>
    <${hu} onChoose=${u} />
    ${i&&a`<p class="failure" role="alert">${i}.</p>`}
    <ul class="people" role="list">
      ${s?.map(d=>a`<li key=${d.handle}>
            <button class="person" onClick=${()=>u(d.handle)}>
              <${R} name=${d.display_name} handle=${d.handle} size="large" />
              <span class="name" dir="auto">${d.display_name}</span>
              <span class="handle">@${d.handle}</span>
            </button>
          </li>`)}
    </ul>
    ${s?.length===0&&a`<p>${e?`No user is called “${e}”.`:"There are no users yet."}</p>`}
    ${o&&a`<p class="failure" role="alert">${o}. <button class="link" onClick=${r}>Try again</button></p>`}
  `}function hu({onChoose:t}){return a`
    <details class="new-user">
      <summary>New user</summary>
      <form onSubmit=${n=>{n.preventDefault();let s=new FormData(n.currentTarget);t(String(s.get("handle")).trim().toLowerCase(),String(s.get("name")).trim())}}>
        <label>Name <input name="name" required maxlength="50" autocomplete="off" /></label>
        <label>Handle <input name="handle" required pattern="[A-Za-z0-9_]{3,30}" title="3 to 30 letters, digits and _" autocomplete="off" /></label>
        <button class="primary wide">Register</button>
      </form>
    </details>
  `}function gu(t){let[e,n]=h(null),[s,o]=h(""),[r,i]=h(0);return x(()=>{let l=setTimeout(d,t?pu:0),u=!0;async function d(){try{let c=await _n(t.trim());if(!u)return;n(c),o("")}catch(c){if(!u)return;o(E(c)),l=setTimeout(d,mu)}}return()=>{u=!1,clearTimeout(l)}},[t,r]),{people:e,failure:s,retryNow:()=>i(r+1)}}function $u(){let[t,e]=h({status:"starting",failure:""}),n=T(null),s=T(new H).current;K(window,"online",()=>s.retryNow());let o=(u,d)=>{if(!n.current)return;let c=new Pt(u,n.current,d),m=p=>{c.stop(),document.title="Messages",e({status:"signedOut",failure:p})};u.onRefused=m,c.onSignedOut=()=>{history.replaceState(null,"",I),m("")},c.outbox.onSent=async(p,f)=>{c.stream.retryNow(),c.notifications.onSent(),p.handle&&await c.conversation.loadGroup(f.message_group_uuid)},c.start(),e({status:"ready",messenger:c})},r=u=>s.repeat(u,d=>e({status:"starting",failure:E(d),onRetry:()=>s.retryNow()})),i=async u=>{if(!u)return e({status:"signedOut",failure:""});try{o(u,await r(()=>new de(u).get("/api/users/me")))}catch(d){if(!(d instanceof A&&d.code==="unknown-user"))throw d;e({status:"unregistered",session:u})}},l=async()=>{try{let u=await r(()=>pe("/api/config"));n.current=u,await i(await r(()=>zo(u)))}catch(u){let d=E(u);e(n.current?{status:"signedOut",failure:d}:{status:"starting",failure:d,onRetry:l})}};if(x(()=>{l()},[]),t.status==="ready")return a`<${Xt.Provider} value=${t.messenger}><${yu} /><//>`;if(t.status==="unregistered"){let{session:u}=t;return a`<${Ar}
      api=${new de(u)}
      onMe=${d=>o(u,d)}
    />`}return t.status==="signedOut"&&n.current?a`<${Nr} config=${n.current} failure=${t.failure} onSession=${i} />`:a`<${bu} ...${t} />`}function bu({failure:t,onRetry:e}){return a`
    <main class="auth">
      <div class="auth-start">
        <${oe} />
        ${t&&a`<p role="alert">${t}. <button class="link" onClick=${e}>Try again</button></p>`}
      </div>
    </main>
  `}function yu(){let t=C(),e=_u(),n=e.page==="new"?e.handle:null,s=vu(n),o=xs(t.groups);x(()=>{document.title=o>0?`(${o}) Messages`:"Messages",Sn(o)},[o]);let r=n===null?null:s??null;return a`
    <main class="shell ${e.page==="groups"?"":"is-open"}" onClick=${Us}>
      <section class="inbox" aria-label="Inbox">
        <${Ho} open=${e.page==="group"?e.uuid:null} newPerson=${r} />
      </section>
      <section class="conversation" aria-label="Conversation">
        ${e.page==="groups"&&a`<${Dr} />`}
        ${e.page==="group"&&a`<${Or} key=${e.uuid} uuid=${e.uuid} number=${e.number} />`}
        ${e.page==="new"&&a`<${or} key=${e.handle} handle=${e.handle} person=${s} />`}
      </section>
    </main>
  `}function _u(){let[t,e]=h(tt(location.pathname));return x(()=>{let n=()=>e(tt(location.pathname));return tt(location.pathname).page==="groups"&&F(I,{replace:!0}),window.addEventListener("popstate",n),()=>window.removeEventListener("popstate",n)},[]),wu(t),t}function wu(t){let e=T(t);x(()=>{let n=e.current;if(e.current=t,t.page!=="groups"||n.page!=="group")return;let s=document.querySelector(`[data-group="${n.uuid}"]`);s instanceof HTMLElement&&s.focus()},[t])}function vu(t){let{api:e,store:n}=w(),s=B(C()),[o,r]=h(null);return x(()=>{if(t===null||o?.handle===t)return;let i=`/api/users/@${t}`;Promise.all([Rr(e,`${i}/short`),Rr(e,`${i}/message_group`)]).then(([l,u])=>{u&&n.update(d=>q(d,[u])),r({handle:t,person:l})},()=>{})},[t,s,e]),o?.handle===t?o.person:void 0}async function Rr(t,e){try{return await t.get(e)}catch(n){if(n instanceof A&&n.status===404)return null;throw n}}var Lr=document.getElementById("app");Lr&&ns(a`<${$u} />`,Lr);
