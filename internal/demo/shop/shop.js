// The shop's own code: a cart for as long as the tab lives, and a word to the tracker about each step.
// window.footfall is missing where the visitor blocks it; the shop works all the same.
(() => {
  const products = {
    'Aurora lamp': 129,
    'Harbour mug': 19,
    'Ember candle': 24,
    'Field throw': 89,
  };
  const cart = JSON.parse(sessionStorage.getItem('cart') || '[]');
  const euros = (amount) => new Intl.NumberFormat(document.documentElement.lang, { style: 'currency', currency: 'EUR' }).format(amount);
  const say = (text) => { document.querySelector('[role=status]').textContent = text; };
  const save = () => {
    sessionStorage.setItem('cart', JSON.stringify(cart));
    document.querySelector('[data-count]').textContent = cart.length ? ` (${cart.length})` : '';
  };

  for (const button of document.querySelectorAll('[data-add]')) {
    button.addEventListener('click', () => {
      const name = button.dataset.add;
      cart.push(name);
      save();
      window.footfall?.trackEvent('shop', 'add_to_cart', name, products[name]);
      say(`${name} is in your cart.`);
    });
  }

  const rows = document.querySelector('[data-rows]');
  const pay = document.querySelector('[data-pay]');
  const total = () => cart.reduce((sum, name) => sum + products[name], 0);
  const show = () => {
    rows.replaceChildren(...cart.map((name) => {
      const row = document.createElement('tr');
      for (const text of [name, euros(products[name])]) row.insertCell().textContent = text;
      return row;
    }));
    document.querySelector('[data-total]').textContent = euros(total());
    pay.disabled = !cart.length;
  };
  if (pay) {
    show();
    pay.addEventListener('click', () => {
      window.footfall?.track('event', {
        category: 'shop', action: 'purchase', revenue: total().toFixed(2), currency: 'EUR', properties: { items: cart.length },
      });
      cart.length = 0;
      save();
      show();
      say('Thank you! Nothing was charged: this is a demo. Your purchase is in the dashboard.');
    });
  }
  save();
})();
