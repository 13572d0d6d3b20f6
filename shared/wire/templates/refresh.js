(() => {
  const again = async () => {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
      const shown = document.querySelector("main");
      if (fresh && fresh.innerHTML !== shown.innerHTML) shown.replaceWith(fresh);
    } finally {
      if (document.querySelector("main[data-running]")) setTimeout(again, 1500);
      else document.title = document.querySelector("h1").textContent + " · modelgate";
    }
  };
  if (document.querySelector("main[data-running]")) setTimeout(again, 1500);
})();
